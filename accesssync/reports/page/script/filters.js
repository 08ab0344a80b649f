// Which rows are wanted: words anywhere, values of some columns, and days since.

const MANY = 60;
const UNKNOWN = "?unknown";

class Filters {
  constructor(table, changed) {
    this.table = table;
    this.changed = changed;
    this.chosen = new Map();
    this.words = "";
    this.since = null;
    this.low = new Map();
    this.controls = new Map();
  }

  // The controls, with a label each.
  element(title) {
    const box = make("div", { class: "tools", role: "search", "aria-label": `Filter ${title}` });
    this.search = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { this.words = this.search.value; this.changed(); }, this.table.kept > 20000 ? 180 : 60);
    });
    box.append(make("label", {}, "Find in all columns", this.search));
    for (const name of this.table.filters) {
      const select = this.select(this.table.byName.get(name));
      if (select) box.append(select);
    }
    if (this.table.since) box.append(this.days(this.table.byName.get(this.table.since)));
    this.clear = make("button", { type: "button", class: "plain", hidden: true }, "Clear filters");
    this.clear.addEventListener("click", () => { this.reset(); this.search.focus(); });
    box.append(this.clear);
    return box;
  }

  select(column) {
    if (!column) return null;
    const counts = countsOf(column, this.table.kept);
    if (counts.length < 2 || counts.length > 400) return null;
    const select = make("select", {}, make("option", { value: "" }, "all"));
    for (const [value, count] of counts.sort((one, other) => (counts.length > MANY ? other[1] - one[1] : 0)).slice(0, MANY)) {
      const words = value === UNKNOWN ? "not known" : told(column, value);
      select.append(make("option", { value: value === UNKNOWN ? UNKNOWN : JSON.stringify(value) }, `${words.slice(0, 40)} (${numbers.format(count)})`));
    }
    select.addEventListener("change", () => this.choose(column.name, select.value));
    this.controls.set(column.name, select);
    return make("label", {}, column.heading, select);
  }

  days(column) {
    const input = make("input", { type: "date" });
    input.addEventListener("change", () => {
      this.since = input.value ? Date.parse(`${input.value}T00:00:00Z`) / 1000 : null;
      this.changed();
    });
    this.date = input;
    return make("label", {}, `${column.heading} since`, input);
  }

  choose(name, value) {
    const select = this.controls.get(name);
    if (select && select.value !== value) select.value = value;
    if (value) this.chosen.set(name, value);
    else this.chosen.delete(name);
    this.changed();
  }

  reset() {
    this.chosen.clear();
    this.words = this.search.value = "";
    this.since = null;
    if (this.date) this.date.value = "";
    for (const select of this.controls.values()) select.value = "";
    this.changed();
  }

  get active() {
    return Boolean(this.words.trim() || this.chosen.size || this.since !== null);
  }

  // The rows that pass, in the order given.
  pass(order) {
    this.clear.hidden = !this.active;
    if (!this.active) return order;
    const tests = [...this.chosen].map(([name, value]) => equals(this.table.byName.get(name), value));
    if (this.since !== null) {
      const column = this.table.byName.get(this.table.since);
      tests.push((row) => column.at(row) !== null && column.at(row) >= this.since);
    }
    for (const word of this.words.toLowerCase().split(/\s+/).filter(Boolean)) tests.push(this.has(word));
    return order.filter((row) => tests.every((test) => test(row)));
  }

  // Looks a word up once for each distinct value, not once for each row.
  has(word) {
    const parts = this.table.columns.filter((one) => one.kind !== "moment" && one.kind !== "flag").map((column) => {
      const low = this.lowered(column);
      const hits = new Uint8Array(low.length);
      for (let place = 0; place < low.length; place++) hits[place] = low[place].includes(word) ? 1 : 0;
      return { codes: column.codes, hits };
    });
    return (row) => parts.some(({ codes, hits }) => (codes ? codes[row] >= 0 && hits[codes[row]] : hits[row]));
  }

  lowered(column) {
    if (!this.low.has(column.name)) {
      this.low.set(column.name, column.values.map((value) => (value === null ? "" : String(told(column, value)).toLowerCase())));
    }
    return this.low.get(column.name);
  }
}

function countsOf(column, rows) {
  const found = new Map();
  const add = (value, count) => found.set(value, (found.get(value) || 0) + count);
  const each = new Map();
  for (let row = 0; row < rows; row++) {
    const key = column.codes ? column.codes[row] : row;
    each.set(key, (each.get(key) || 0) + 1);
  }
  for (const [key, count] of [...each].sort((one, other) => one[0] - other[0])) {
    const value = key < 0 ? null : column.values[key];
    if (Array.isArray(value)) value.forEach((one) => add(one, count));
    else add(value === null ? UNKNOWN : value, count);
    if (found.size > 400) break;
  }
  if (found.has(UNKNOWN)) { const count = found.get(UNKNOWN); found.delete(UNKNOWN); found.set(UNKNOWN, count); }
  return [...found];
}

function equals(column, chosen) {
  if (chosen === UNKNOWN) return (row) => column.at(row) === null;
  const wanted = JSON.parse(chosen);
  const test = (value) => (Array.isArray(value) ? value.includes(wanted) : value === wanted);
  if (!column.codes) return (row) => test(column.at(row));
  const hits = column.values.map(test);
  return (row) => column.codes[row] >= 0 && hits[column.codes[row]];
}
