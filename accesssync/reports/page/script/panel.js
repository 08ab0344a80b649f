// Everything about one identity, joined from the tables.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const HIDDEN = new Set(["name", "email"]);
const MOST = 200;

class Panel {
  constructor(dialog) {
    this.dialog = dialog;
    this.body = dialog.firstElementChild;
    this.back = null;
    dialog.addEventListener("close", () => this.closed());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  async open(identity) {
    if (!this.dialog.open) this.back = document.activeElement;
    this.wanted = identity;
    const names = ["identities", "grants", "role_permissions", "keys_tokens", "changes", "findings"];
    const [identities, grants, permissions, keys, changes, findings] = await Promise.all(names.map(unpack));
    if (this.wanted !== identity) return;
    const [row] = rowsWith(identities, "identity_id", identity);
    const head = make("div", { class: "panel-head" }, make("h2", { id: "panel-title", tabindex: "-1" }, make("bdi", {}, row === undefined ? identity : nameOf(identities, row))), this.button());
    const parts = [head];
    if (row === undefined) {
      parts.push(make("p", {}, "This page has no identity with that id. It may have been left out, or never have been there."));
    } else {
      parts.push(this.about(identities, row, identity));
    }
    const held = rowsWith(grants, "identity_id", identity).filter((one) => !grants.byName.has("ended_at") || grants.byName.get("ended_at").at(one) === null);
    const own = rowsWith(keys, "owner_id", identity);
    const concerned = new Set([identity, ...own.map((one) => keys.byName.get("credential_id")?.at(one))]);
    parts.push(
      part("Roles", grants, held, ["role_name", "privilege_tier", "source", "first_seen_at", "provisioned_by", "ticket"]),
      powers(grants, held, permissions),
      part("Credentials", keys, own, ["name", "kind", "age_days", "last_used_at", "last_used_state", "unscoped", "effective_tier", "expires_at"]),
      part("Findings", findings, about(findings, "subject_id", concerned), ["severity", "finding_id", "title", "subject_name", "status", "age_days", "remediation"]),
      part("History", changes, about(changes, "subject_id", concerned), ["observed_at", "kind", "before", "after", "actor", "expected_by"]),
    );
    this.body.replaceChildren(...parts.filter(Boolean));
    this.shown = identity;
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    this.body.querySelector("h2").focus();
    performance.mark("panel");
  }

  button() {
    const button = make("button", { type: "button", class: "plain" }, "Close");
    button.addEventListener("click", () => this.dialog.close());
    return button;
  }

  about(identities, row, identity) {
    const list = make("dl", { class: "about-one" });
    for (const column of identities.columns) {
      const value = column.at(row);
      const empty = value === null || (Array.isArray(value) && !value.length) || value === "";
      if (empty || HIDDEN.has(column.name)) continue;
      list.append(make("div", {}, make("dt", {}, column.heading), make("dd", { class: column.kind === "id" ? "mono" : null }, content(column, value, null))));
    }
    const app = document.documentElement.dataset.app;
    const box = make("div", {}, make("p", { class: "quiet" }, make("bdi", {}, identities.byName.get("email")?.at(row) || "")), list);
    if (UUID.test(identity)) {
      box.append(make("p", { class: "quiet" }, make("a", { class: "out", href: `${app}/organization-settings/users?user_id=${identity}`, rel: "noopener noreferrer", target: "_blank" }, "Open in Datadog")));
    }
    return box;
  }

  closed() {
    // The reader may have asked for somebody else before the browser tells that this one was closed.
    const next = asked();
    if (this.wanted !== this.shown || (next !== null && next !== this.shown)) return;
    this.wanted = this.shown = null;
    if (next !== null) history.replaceState(null, "", location.pathname + location.search);
    const back = this.back;
    this.back = null;
    if (back && back.isConnected && back !== document.body) back.focus({ preventScroll: true });
    else document.getElementById("main").focus({ preventScroll: true });
  }
}

// The identity that the address names; null where it names none.
function asked() {
  const found = /^#identity=(.+)$/.exec(location.hash);
  try { return found && decodeURIComponent(found[1]); } catch { return null; }
}

function nameOf(identities, row) {
  return identities.byName.get("name")?.at(row) || identities.byName.get("email")?.at(row) || identities.byName.get("identity_id").at(row);
}

function about(table, name, wanted) {
  const column = table && table.byName.get(name);
  const found = [];
  if (!column) return found;
  const hits = column.values.map((value) => wanted.has(value));
  for (let row = 0; row < table.kept; row++) if (column.codes ? column.codes[row] >= 0 && hits[column.codes[row]] : hits[row]) found.push(row);
  return found;
}

// A heading and the rows; what the page does not carry is said, and so is that there is nothing.
function part(title, table, rows, names) {
  const heading = make("h3", {}, `${title} (${table ? numbers.format(rows.length) : DASH})`);
  if (!table) return make("section", {}, heading, make("p", { class: "quiet" }, "Not in this report."));
  if (!rows.length) return make("section", {}, heading, make("p", { class: "quiet" }, "None."));
  const columns = names.map((name) => table.byName.get(name)).filter((column) => column && rows.some((row) => column.at(row) !== null));
  return make("section", {}, heading, small(title, columns.map((column) => [column.heading, column.look]), rows.slice(0, MOST).map((row) => columns.map((column) => cell(column, column.at(row), null)))), rest(rows.length));
}

function rest(length) {
  return length > MOST ? make("p", { class: "quiet" }, `The first ${MOST} of ${numbers.format(length)}.`) : null;
}

function small(title, headings, lines) {
  const head = make("tr", {}, ...headings.map(([heading, look]) => make("th", { scope: "col", class: look === "number" ? "number" : null }, heading)));
  const table = make("table", {}, make("caption", { class: "unseen" }, title), make("thead", {}, head), make("tbody", {}, ...lines.map((cells) => make("tr", {}, ...cells))));
  return make("div", { class: "wide", role: "region", tabindex: "0", "aria-label": title }, table);
}

// What the roles together allow beyond what every colleague may do, and through which of them.
function powers(grants, held, permissions) {
  const title = "Effective privileged permissions";
  if (!grants || !permissions) return part(title, null, [], []);
  const roles = new Set(held.map((row) => grants.byName.get("role_id").at(row)));
  const [role, permission, tier, name, privileged] = ["role_id", "permission", "tier", "role_name", "privileged"].map((one) => permissions.byName.get(one));
  const found = new Map();
  for (let row = 0; row < permissions.kept; row++) {
    if (!roles.has(role.at(row))) continue;
    if (privileged ? privileged.at(row) !== true : !/^T[01]/.test(tier.at(row) || "")) continue;
    const key = permission.at(row);
    if (!found.has(key)) found.set(key, { tier: tier.at(row), via: [] });
    found.get(key).via.push(name.at(row));
  }
  const lines = [...found].sort((one, other) => (one[1].tier + one[0] < other[1].tier + other[0] ? -1 : 1));
  const heading = make("h3", {}, `${title} (${numbers.format(lines.length)})`);
  if (!lines.length) return make("section", {}, heading, make("p", { class: "quiet" }, "None: its roles allow nothing of T0 or T1 beyond what every colleague may do."));
  const cells = lines.map(([key, one]) => [cell(tier, one.tier, null), make("td", { class: "mono" }, make("bdi", {}, key)), make("td", {}, make("bdi", {}, one.via.join(", ")))]);
  return make("section", {}, heading, small(title, [["Tier"], ["Permission"], ["Through"]], cells));
}
