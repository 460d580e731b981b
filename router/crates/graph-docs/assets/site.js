// The search and the choice of light or dark. Without it every page can be read all the same. It loads one script, the search index,
// when somebody searches, and nothing else.
"use strict";
(() => {
  const page = document.documentElement;
  const root = page.dataset.root;
  const saved = (value) => {
    // Pages that are opened as files may have no storage.
    try {
      return value === undefined ? localStorage.getItem("graph-theme") : localStorage.setItem("graph-theme", value);
    } catch {
      return null;
    }
  };
  if (["light", "dark"].includes(saved())) page.dataset.theme = saved();

  addEventListener("DOMContentLoaded", () => {
    const find = (id) => document.getElementById(id);
    setUpTheme(find("site-theme"));
    setUpSearch(find("site-search"), find("search-input"), find("search-results"), find("search-status"));
    for (const link of document.querySelectorAll("#site-menu li a")) {
      if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    }
  });

  function setUpTheme(button) {
    const isDark = () => (page.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const label = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    };
    button.addEventListener("click", () => {
      page.dataset.theme = isDark() ? "light" : "dark";
      saved(page.dataset.theme);
      label();
    });
    button.hidden = false;
    label();
  }

  // An entry of the index is [name, kind, address, about, members].
  let loading;
  function index() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.charset = "utf-8";
      script.src = root + "search-index.js";
      script.onload = () => resolve(globalThis.graphIndex.entries);
      script.onerror = () => reject(new Error("the search index can't be loaded"));
      document.head.append(script);
    });
    return loading;
  }

  // How well a name fits, the less the better, or -1: equal, beginning, beginning of a word inside, inside, letters in order.
  function fit(name, query) {
    const lower = name.toLowerCase();
    if (lower === query) return 0;
    const at = lower.indexOf(query);
    if (at === 0) return 100 + name.length;
    if (at > 0) {
      const isWord = name[at] !== lower[at] || name[at - 1] === "_";
      return (isWord ? 300 : 500) + name.length;
    }
    if (query.length < 2) return -1;
    let from = 0;
    let gaps = 0;
    for (const letter of query) {
      const found = lower.indexOf(letter, from);
      if (found < 0) return -1;
      gaps += found - from;
      from = found + 1;
    }
    // Letters that are far apart are nothing that somebody meant.
    return gaps > query.length * 2 ? -1 : 700 + gaps * 5 + name.length;
  }

  // The best so many results for a text: `Type`, `field`, `Type.field`, or words of a description.
  function search(entries, text) {
    const most = 30;
    const query = text.trim().toLowerCase();
    const dot = query.indexOf(".");
    const found = [];
    for (const [name, kind, address, about, members] of entries) {
      if (dot >= 0) {
        // A root field is an entry of its own, and its type is called as its kind.
        if (kind === query.slice(0, dot)) {
          const ofField = fit(name, query.slice(dot + 1));
          if (ofField >= 0) found.push({ score: ofField, name, kind, address, about });
          continue;
        }
        const ofType = fit(name, query.slice(0, dot));
        if (ofType < 0) continue;
        for (const member of members) {
          const ofMember = dot + 1 < query.length ? fit(member, query.slice(dot + 1)) : 100;
          if (ofMember >= 0) found.push({ score: ofType + ofMember, name: `${name}.${member}`, kind, address: `${address}#${member}`, about: "" });
        }
        continue;
      }
      const whole = fit(name, query);
      if (whole >= 0) found.push({ score: whole, name, kind, address, about });
      else if (query.length > 2 && about.toLowerCase().includes(query)) found.push({ score: 2000 + name.length, name, kind, address, about });
      for (const member of members) {
        const part = fit(member, query);
        if (part >= 0 && part < 700) found.push({ score: part + 60, name: `${name}.${member}`, kind, address: `${address}#${member}`, about: "" });
      }
    }
    const order = (a, b) => a.score - b.score || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    return found.sort(order).slice(0, most);
  }

  function setUpSearch(box, input, list, status) {
    let results = [];
    let chosen = -1;
    let number = 0;

    const close = () => {
      number += 1;
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      chosen = -1;
    };
    const choose = (next) => {
      list.children[chosen]?.setAttribute("aria-selected", "false");
      chosen = next;
      const option = list.children[chosen];
      if (!option) return;
      option.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    };
    const open = (result) => {
      if (!result) return;
      close();
      input.blur();
      location.href = root + result.address;
    };
    // Text is set as text: names and descriptions are anybody's.
    const element = (tag, text, name) => {
      const made = document.createElement(tag);
      made.textContent = text;
      if (name) made.className = name;
      return made;
    };
    const option = (result, place) => {
      const item = element("li", "");
      item.id = `search-option-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.append(element("code", result.name), " ", element("small", result.kind));
      if (result.about) item.append(element("span", result.about, "hint"));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        open(result);
      });
      item.addEventListener("mousemove", () => place !== chosen && choose(place));
      return item;
    };
    const show = async () => {
      const text = input.value;
      if (!text.trim()) {
        status.textContent = "";
        return close();
      }
      const mine = ++number;
      let problem = "";
      try {
        const entries = await index();
        if (mine !== number) return;
        results = search(entries, text);
      } catch (error) {
        if (mine !== number) return;
        results = [];
        problem = error.message;
      }
      const nothing = problem || "Nothing found";
      list.replaceChildren(...results.map(option));
      if (!results.length) {
        const item = element("li", nothing, "nothing");
        item.setAttribute("role", "presentation");
        list.append(item);
      }
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      status.textContent = results.length ? `${results.length} result${results.length === 1 ? "" : "s"}` : nothing;
      chosen = -1;
      if (results.length) choose(0);
    };

    input.addEventListener("input", show);
    input.addEventListener("focus", () => index().catch(() => {}));
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (event.key in moves && list.hidden) {
        event.preventDefault();
        show();
      } else if (event.key in moves && results.length) {
        event.preventDefault();
        const next = chosen + moves[event.key];
        const around = Math.abs(moves[event.key]) === 1 ? (next + results.length) % results.length : next;
        choose(Math.max(0, Math.min(results.length - 1, around)));
      } else if (event.key === "Enter" && !list.hidden) {
        event.preventDefault();
        open(results[chosen]);
      } else if (event.key === "Escape") {
        event.preventDefault();
        if (list.hidden) {
          input.value = "";
          input.blur();
        } else {
          close();
        }
      }
    });
    addEventListener("keydown", (event) => {
      const types = event.target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName);
      const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !types;
      const letter = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
      if (slash || letter) {
        event.preventDefault();
        input.focus();
        input.select();
      }
    });
    box.hidden = false;
  }
})();
