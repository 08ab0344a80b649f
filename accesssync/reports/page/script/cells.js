// How a cell is told. Every text of a stranger goes through textContent, inside an element that keeps its direction to itself.

const DASH = "\u2013";
const two = (number) => String(number).padStart(2, "0");
const numbers = new Intl.NumberFormat("en-US");

function moment(seconds) {
  const at = new Date(seconds * 1000);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

function told(column, value) {
  if (value === null || value === undefined) return DASH;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (column.kind === "moment") return moment(value);
  if (typeof value === "number") return numbers.format(value);
  return Array.isArray(value) ? value.join(", ") : value;
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((one) => one !== null && one !== undefined));
  return element;
}

function lookOf(column, value) {
  if (value === null || value === undefined) return "unknown";
  if (column.look === "chip") return /^[a-z]+$/i.test(value) ? `chip chip-${value.toLowerCase()}` : "chip";
  if (column.look === "tier") return /^[a-z0-9]{2}/i.test(value) ? `chip tier-${value.slice(0, 2).toLowerCase()}` : "chip";
  return column.look;
}

// What stands in the cell of a table: words, a chip, or a link to the panel of an identity.
function content(column, value, identity) {
  const words = told(column, value);
  const look = lookOf(column, value);
  if (identity) return make("a", { href: `#identity=${encodeURIComponent(identity)}` }, make("bdi", {}, words));
  return look.startsWith("chip") ? make("span", { class: look }, words) : make("bdi", {}, words);
}

function cell(column, value, identity) {
  const look = lookOf(column, value);
  const words = told(column, value);
  const right = column.look === "number" ? "number" : "";
  const classes = look.startsWith("chip") ? "" : look === "unknown" ? `unknown ${right}`.trim() : look;
  return make("td", { class: classes || null, title: words.length > 24 ? words : null }, content(column, value, identity));
}

// The ids of all identities that have a panel.
const known = new Set();

// The identity that a cell leads to, if it leads to one.
function leadsTo(table, column, row) {
  for (const link of table.links) {
    if (link.words !== column.name || column.at(row) === null) continue;
    const identity = table.byName.get(link.id)?.at(row);
    if (known.has(identity)) return identity;
  }
  return null;
}
