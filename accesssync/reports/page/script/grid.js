// A table of any length: only the rows in sight are in the document.

const ROW = 33;
const BEYOND = 10;

class Grid {
  constructor(section, table) {
    this.section = section;
    this.table = table;
    this.title = section.querySelector("h3").textContent;
    this.all = false;
    this.sorted = null;
    this.order = Array.from({ length: table.kept }, (_, row) => row);
    this.filters = new Filters(table, () => this.refresh());
    this.build();
    this.refresh();
  }

  get columns() {
    const shown = this.table.shown.map((name) => this.table.byName.get(name));
    return this.all ? [...shown, ...this.table.columns.filter((one) => !this.table.shown.includes(one.name))] : shown;
  }

  build() {
    const live = make("div", { class: "live" });
    live.append(this.filters.element(this.title));
    this.status = make("span", { role: "status" });
    const more = make("input", { type: "checkbox" });
    more.addEventListener("change", () => { this.all = more.checked; this.head(); this.draw(true); });
    this.status.id = `${this.section.id}-status`;
    live.append(make("div", { class: "state" }, this.status, make("label", { class: "check" }, more, ` All ${this.table.columns.length} columns`)));
    this.box = make("div", { class: "grid-box", role: "region", tabindex: "0", "aria-labelledby": `${this.table.name}-title` });
    this.group = make("colgroup");
    this.thead = make("thead");
    this.tbody = make("tbody");
    this.element = make("table", {}, make("caption", { class: "unseen" }, this.title), this.group, this.thead, this.tbody);
    this.box.append(this.element);
    live.append(this.box);
    this.section.insertBefore(live, this.section.querySelector(".static"));
    this.section.classList.add("on");
    let asked = false;
    this.box.addEventListener("scroll", () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; this.draw(false); });
    }, { passive: true });
    this.tbody.addEventListener("keydown", (event) => this.move(event));
    this.head();
  }

  head() {
    const widths = this.columns.map(widthOf);
    this.group.replaceChildren(...widths.map((width) => {
      const col = make("col");
      col.style.width = `${width}px`;
      return col;
    }));
    this.element.style.minWidth = `${widths.reduce((sum, width) => sum + width, 0)}px`;
    this.thead.replaceChildren(make("tr", { "aria-rowindex": 1 }, ...this.columns.map((column) => {
      const button = make("button", { type: "button", title: column.means }, column.heading);
      button.addEventListener("click", () => this.sort(column.name));
      const way = this.sorted && this.sorted.name === column.name ? (this.sorted.down ? "descending" : "ascending") : null;
      return make("th", { scope: "col", class: column.look === "number" ? "number" : null, "aria-sort": way }, button);
    })));
    this.element.setAttribute("aria-colcount", this.columns.length);
  }

  // Once upwards, once downwards, then as the page began.
  sort(name) {
    const same = this.sorted && this.sorted.name === name;
    if (same && this.sorted.down) this.sorted = null;
    else this.sorted = { name, down: Boolean(same) };
    this.order = this.sorted ? ordered(this.table, this.sorted) : Array.from({ length: this.table.kept }, (_, row) => row);
    for (const [place, th] of [...this.thead.rows[0].cells].entries()) {
      const column = this.columns[place];
      if (this.sorted && column.name === this.sorted.name) th.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    this.refresh();
  }

  refresh() {
    this.rows = this.filters.pass(this.order);
    this.box.scrollTop = 0;
    this.active = 0;
    const length = numbers.format(this.table.kept);
    const shown = numbers.format(this.rows.length);
    this.status.textContent = this.filters.active ? `${shown} of ${length} rows` : `${length} rows`;
    this.element.setAttribute("aria-rowcount", this.rows.length + 1);
    this.draw(true);
  }

  draw(anew) {
    const tall = Math.max(this.box.clientHeight, 600);
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + tall) / ROW) + BEYOND);
    if (!anew && first === this.first && last === this.last) return;
    const held = this.tbody.contains(document.activeElement) ? Number(document.activeElement.closest("tr").dataset.place) : null;
    this.first = first;
    this.last = last;
    const columns = this.columns;
    const lines = [space(first, columns.length)];
    for (let place = first; place < last; place++) lines.push(this.line(place, columns));
    lines.push(space(this.rows.length - last, columns.length));
    if (!this.rows.length) lines.push(make("tr", {}, make("td", { colspan: columns.length, class: "unknown" }, "No row is like that.")));
    this.tbody.replaceChildren(...lines.filter(Boolean));
    if (held === null) return;
    if (held >= first && held < last) this.focus(held);
    else this.box.focus({ preventScroll: true });
  }

  line(place, columns) {
    const row = this.rows[place];
    const tr = make("tr", { "aria-rowindex": place + 2, "data-place": place });
    for (const column of columns) tr.append(cell(column, column.at(row), leadsTo(this.table, column, row)));
    for (const link of tr.querySelectorAll("a")) link.tabIndex = place === this.active ? 0 : -1;
    return tr;
  }

  focus(place) {
    this.tbody.querySelector(`tr[data-place="${place}"] a`)?.focus({ preventScroll: true });
  }

  // Up and down go from link to link; the tables are one stop each for the tab key.
  move(event) {
    const tr = event.target.closest("tr[data-place]");
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!tr || !(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = Math.min(this.rows.length - 1, Math.max(0, Number(tr.dataset.place) + steps[event.key]));
    this.active = next;
    const top = next * ROW;
    const tall = this.box.clientHeight - ROW;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + ROW > this.box.scrollTop + tall) this.box.scrollTop = top + ROW - tall;
    this.draw(true);
    this.focus(next);
  }
}

function space(rows, columns) {
  if (!rows) return null;
  const td = make("td", { colspan: columns });
  const tr = make("tr", { class: "space", "aria-hidden": "true" }, td);
  tr.style.height = td.style.height = `${rows * ROW}px`;
  return tr;
}

const ruler = document.createElement("canvas").getContext("2d");

function measured(words, weight) {
  ruler.font = `${weight} 13.5px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(words).width;
}

// As wide as nine of ten values need, within limits; what is longer is cut with an ellipsis and told by its title.
function widthOf(column) {
  const step = Math.max(1, Math.floor(column.values.length / 300));
  const words = [];
  for (let place = 0; place < column.values.length; place += step) words.push(told(column, column.values[place]));
  words.sort((one, other) => one.length - other.length);
  const usual = words.length ? words[Math.floor((words.length - 1) * 0.92)] : DASH;
  const chip = column.look === "chip" || column.look === "tier" ? 20 : 0;
  const heading = measured(column.heading, 620) + 36;
  return Math.ceil(Math.max(heading, Math.min(290, measured(usual, 400) + 26 + chip), 60));
}

// The rows by a column; what is not known stands last whichever way.
function ordered(table, { name, down }) {
  const column = table.byName.get(name);
  const keys = column.codes ? column.codes : ranks(column);
  const rows = Array.from({ length: table.kept }, (_, row) => row);
  const way = down ? -1 : 1;
  return rows.sort((one, other) => {
    const left = keys[one];
    const right = keys[other];
    if (left === right) return one - other;
    if (left < 0) return 1;
    if (right < 0) return -1;
    return left < right ? -way : way;
  });
}

function ranks(column) {
  const low = column.values.map((value) => (typeof value === "string" ? value.toLowerCase() : Array.isArray(value) ? value.join(", ").toLowerCase() : value));
  const rows = [...low.keys()].filter((row) => low[row] !== null);
  rows.sort((one, other) => (low[one] < low[other] ? -1 : low[one] > low[other] ? 1 : 0));
  const found = new Int32Array(low.length).fill(-1);
  rows.forEach((row, rank) => { found[row] = rank && low[rows[rank - 1]] === low[row] ? found[rows[rank - 1]] : rank; });
  return found;
}
