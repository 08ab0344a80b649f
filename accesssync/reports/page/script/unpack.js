// Tables as Python packed them: gzip in base64 in a script element that nobody runs.

const tables = new Map();

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const plain = atob(text);
  const bytes = new Uint8Array(plain.length);
  for (let place = 0; place < plain.length; place++) bytes[place] = plain.charCodeAt(place);
  return bytes;
}

// A table by its name, unpacked once; null where this page has none.
function unpack(name) {
  if (!tables.has(name)) {
    const element = document.getElementById(`rows-${name}`);
    tables.set(name, element ? read(element) : Promise.resolve(null));
  }
  return tables.get(name);
}

async function read(element) {
  const stream = new Blob([bytesOf(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const found = await new Response(stream).json();
  element.textContent = "";
  found.byName = new Map(found.columns.map((column) => [column.name, column]));
  for (const column of found.columns) prepare(column);
  return found;
}

// at(row) is the value, codes[row] its place among the values: the row itself where every row has its own.
function prepare(column) {
  if (column.rows) {
    const codes = Int32Array.from(column.rows);
    column.rows = null;
    column.codes = codes;
    column.at = (row) => (codes[row] < 0 ? null : column.values[codes[row]]);
  } else {
    column.at = (row) => column.values[row];
  }
}

// The rows of a table in which a column has this value.
function rowsWith(table, name, value) {
  const column = table && table.byName.get(name);
  const found = [];
  if (!column || value == null) return found;
  if (column.codes) {
    const wanted = column.values.indexOf(value);
    if (wanted >= 0) column.codes.forEach((code, row) => code === wanted && found.push(row));
  } else {
    column.values.forEach((one, row) => one === value && found.push(row));
  }
  return found;
}
