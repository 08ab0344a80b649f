// What makes the page alive: the theme, the tables when they come near, the panel, copying, and where the reader is.

const root = document.documentElement;
const THEMES = { "": "system", light: "light", dark: "dark" };

function theme() {
  const button = document.getElementById("theme");
  let chosen = "";
  try { chosen = localStorage.getItem("accesssync-theme") || ""; } catch { /* a page from a file may not keep anything */ }
  const apply = () => {
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    button.textContent = `Theme: ${THEMES[chosen] || THEMES[""]}`;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    chosen = names[(names.indexOf(chosen) + 1) % names.length];
    try { localStorage.setItem("accesssync-theme", chosen); } catch { /* likewise */ }
    apply();
  });
  apply();
}

const grids = new Map();

function enliven(section) {
  const name = section.dataset.table;
  if (!grids.has(name)) {
    grids.set(name, unpack(name).then((table) => (table && table.kept ? new Grid(section, table) : null)));
  }
  return grids.get(name);
}

function nearby(sections) {
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      enliven(entry.target);
    }
  }, { rootMargin: "1200px 0px" });
  sections.forEach((section) => watch.observe(section));
}

// Tables come alive while the reader arrives and change their height: stay at the one that was asked for, until the
// reader moves on.
async function arrive(section) {
  let moved = false;
  const stop = () => { moved = true; };
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(name, stop, { once: true, passive: true });
  await enliven(section);
  for (let turn = 0; turn < 12 && !moved; turn++) {
    section.scrollIntoView({ block: "start" });
    await new Promise((done) => setTimeout(done, 60));
  }
}

function arriving() {
  const follow = (hash) => {
    const section = /^#table-[\w-]+$/.test(hash) && document.querySelector(hash);
    if (section) arrive(section);
  };
  addEventListener("hashchange", () => follow(location.hash));
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#table-"]');
    if (link && link.hash === location.hash) follow(link.hash);
  });
  follow(location.hash);
}

function whereabouts() {
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) seen.add(entry.target.id);
      else seen.delete(entry.target.id);
    }
    const now = [...links.keys()].find((name) => seen.has(name));
    for (const [name, link] of links) {
      if (name === now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-60px 0px -70% 0px" });
  for (const name of links.keys()) {
    const target = document.getElementById(name);
    if (target) watch.observe(target);
  }
}

function copying() {
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.firstChild.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.firstChild.textContent = "Selected";
      }
      setTimeout(() => { button.firstChild.textContent = "Copy"; }, 2000);
    });
  }
}

// A link such as "All 12 of AS-KEY-01" shows just those rows.
function narrowing() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-filter]");
    if (!link) return;
    const [name, value] = link.dataset.filter.split("=");
    const grid = await enliven(document.getElementById(link.hash.slice(1)));
    if (!grid) return;
    grid.filters.reset();
    grid.filters.choose(name, JSON.stringify(decodeURIComponent(value)));
  });
}

async function begin() {
  if (typeof DecompressionStream === "undefined") return;
  const panel = new Panel(document.getElementById("panel"));
  const follow = () => {
    const identity = asked();
    if (identity) panel.open(identity);
  };
  addEventListener("hashchange", follow);
  const identities = await unpack("identities");
  if (identities) for (const value of identities.byName.get("identity_id")?.values || []) known.add(value);
  const sections = [...document.querySelectorAll("[data-table]")];
  const main = sections.find((one) => one.dataset.table === "identities") || sections[0];
  if (main) await enliven(main);
  performance.mark("interactive");
  follow();
  nearby(sections);
  arriving();
}

theme();
copying();
narrowing();
whereabouts();
begin();
