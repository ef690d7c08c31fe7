/* Comfort for the pages of runs: they refresh themselves, steps open beside the page, keys.
   Everything can be read and done without it. It sets no style and evaluates nothing. */
(() => {
  "use strict";

  const FAST = 2000, SLOW = 15000;
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const words = ($("#gorkflow-help") || document.body).dataset;
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  /* Elements made here are `own`: bringing the page up to date leaves them alone. */
  function make(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    made.own = true;
    return made;
  }

  function button(text, label, act) {
    const made = make("button", { type: "button", class: "gorkflow-button", ...(label && { "aria-label": label, title: label }) }, text);
    made.addEventListener("click", act);
    return made;
  }

  async function page(url) {
    const answer = await fetch(url, { redirect: "manual" });
    return answer.ok ? parsed(await answer.text()) : null;
  }

  /* Bringing a part of the page up to date without moving anything that stays. */

  const isKept = (element, name) =>
    (name === "open" && element.nodeName === "DETAILS") || (element.zoom && /^(width|height|data-zoom)$/.test(name));

  function morph(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !isKept(old, name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !isKept(old, name)) old.setAttribute(name, value);
    }
    morphChildren(old, fresh);
  }

  const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName;

  function morphChildren(old, fresh) {
    const next = (node) => { while (node && node.own) node = node.nextSibling; return node; };
    const drop = (node) => { const after = next(node.nextSibling); node.remove(); return after; };
    const known = new Map([...old.children].filter((each) => each.id && !each.own).map((each) => [each.id, each]));
    const staying = new Set([...fresh.children].map((each) => each.id).filter(Boolean));
    let at = next(old.firstChild);
    for (const child of [...fresh.childNodes]) {
      while (at && at.id && !staying.has(at.id)) at = drop(at);
      const found = child.id ? known.get(child.id) : at && !at.id && at;
      // Moving an element takes the focus from it, so what goes away goes first.
      while (child.id && found && at && at !== found && !staying.has(at.id)) at = drop(at);
      if (!found || !alike(found, child)) {
        old.insertBefore(child, at);
        continue;
      }
      if (found === at) at = next(at.nextSibling);
      else old.insertBefore(found, at);
      morph(found, child);
    }
    while (at) at = drop(at);
  }

  /* Pages that are alive. */

  class Live {
    constructor(region) {
      this.region = region;
      this.url = region.dataset.gorkflowLive || location.href;
      this.pause = FAST;
      this.since = Date.now();
      this.text = make("span");
      this.button = button(words.pause, "", () => this.toggle());
      this.voice = make("span", { role: "status", class: "gorkflow-unseen" });
      region.before(make("p", { class: "gorkflow-ticker" }, this.text, this.button, this.voice));
      document.addEventListener("visibilitychange", () => this.soon(0));
      this.clock = setInterval(() => this.tell(), 1000);
      this.tell();
      this.soon(FAST);
    }

    toggle() {
      this.paused = !this.paused;
      this.button.textContent = this.paused ? words.resume : words.pause;
      this.soon(0);
    }

    tell() {
      const seconds = Math.round((Date.now() - this.since) / 1000);
      this.text.textContent = this.trouble || (this.over ? "" : words.ago.replace("%s", seconds));
    }

    soon(after) {
      clearTimeout(this.timer);
      if (!this.over) this.timer = setTimeout(() => this.look(), after * (0.9 + 0.2 * Math.random()));
    }

    async look() {
      if (this.paused || document.hidden || this.looking) return;
      this.looking = true;
      try {
        const headers = this.etag ? { "If-None-Match": this.etag } : {};
        await this.read(await fetch(this.url, { headers, redirect: "manual" }));
      } catch {
        this.trouble = words.lost;
        this.pause = SLOW;
      }
      this.looking = false;
      this.tell();
      this.soon(this.pause);
    }

    async read(answer) {
      if (answer.status === 429 || answer.status >= 500) throw new Error(answer.status);
      this.trouble = "";
      this.since = Date.now();
      if (answer.status === 304) {
        this.pause = Math.min(this.pause * 1.5, SLOW);
      } else if (answer.ok) {
        this.pause = this.url === location.href ? SLOW : FAST;
        this.etag = answer.headers.get("ETag");
        await this.apply(answer);
      } else {
        // No longer logged in, no longer allowed, or the run is gone.
        this.trouble = words.gone;
        this.stop();
      }
    }

    async apply(answer) {
      if ((answer.headers.get("Content-Type") || "").includes("json")) {
        const news = await answer.json();
        morphChildren(this.region, parsed(news.html).body);
        if (this.voice.textContent !== news.said) this.voice.textContent = news.said;
        // What else the page says of an ended run: its output, what can be done to it.
        if (news.ended) this.applyPage(await page(location.href));
      } else {
        this.applyPage(parsed(await answer.text()));
      }
      panel.refresh();
    }

    applyPage(fresh) {
      const region = fresh && fresh.getElementById(this.region.id);
      if (!region) throw new Error("another page");
      for (const selector of [".object-tools", ".gorkflow-page"]) {
        const [old, other] = [$(selector), $(selector, fresh)];
        if (old && other) morph(old, other);
      }
      if (!region.hasAttribute("data-gorkflow-live")) this.stop();
      changed();
    }

    stop() {
      this.over = true;
      clearInterval(this.clock);
      clearTimeout(this.timer);
      this.tell();
      this.button.remove();
    }
  }

  /* The rows of a list: those that are there are brought up to date, none is added or moved, so
     that no tick lands on another run. */

  function liveRows(table, pause = 5000) {
    setTimeout(async () => {
      liveRows(table, Math.min(pause * 1.2, SLOW));
      if (document.hidden || !$(".gorkflow-status.gorkflow-running, .gorkflow-status.gorkflow-pending", table)) return;
      const fresh = await page(location.href).catch(() => null);
      const key = (row) => $("a[href]", row).href;
      const rows = new Map(all("#result_list tbody tr", fresh || table).map((row) => [key(row), row]));
      for (const row of all("tbody tr", table)) {
        const cells = all("td, th", rows.get(key(row)) || row);
        all("td, th", row).forEach((cell, index) => cell.className === "action-checkbox" || morph(cell, cells[index]));
      }
      changed();
    }, pause);
  }

  /* Times that go on. */

  function inWords(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    if (days) return `${days} d ${hours % 24} h`;
    if (hours) return `${hours} h ${two(minutes % 60)} min`;
    return minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds.toFixed(1)} s`;
  }

  function tick() {
    for (const each of all("[data-gorkflow-seconds]")) {
      const read = each.dataset.gorkflowSeconds;
      if (each.read !== read) [each.read, each.at] = [read, performance.now()];
      each.textContent = inWords(Number(read) + (performance.now() - each.at) / 1000);
    }
  }

  /* Drawings: buttons to zoom, and dragging. */

  function zoomable(canvas) {
    if (canvas.ready) return;
    canvas.ready = true;
    const zoom = (change) => {
      const svg = $("svg", canvas);
      const [width, height] = svg.getAttribute("viewBox").split(" ").slice(2).map(Number);
      const now = svg.zoom || svg.clientWidth / width;
      svg.zoom = change ? Math.max(0.1, Math.min(3, now * change)) : Math.min(1, (canvas.clientWidth - 24) / width);
      const middle = (canvas.scrollLeft + canvas.clientWidth / 2) / now;
      svg.setAttribute("data-zoom", "");
      svg.setAttribute("width", Math.round(width * svg.zoom));
      svg.setAttribute("height", Math.round(height * svg.zoom));
      canvas.scrollLeft = middle * svg.zoom - canvas.clientWidth / 2;
    };
    canvas.before(make("div", { class: "gorkflow-zoom" }, button("\u2212", words.out, () => zoom(0.8)),
      button("+", words.in, () => zoom(1.25)), button("\u2922", words.fit, () => zoom(0))));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.1 : 0.9);
    }, { passive: false });
    let from = null, dragged = false;
    canvas.addEventListener("pointerdown", ({ pointerType, button: which, clientX, clientY }) => {
      dragged = false;
      if (pointerType === "mouse" && !which) from = [clientX + canvas.scrollLeft, clientY + canvas.scrollTop];
    });
    addEventListener("pointerup", () => { from = null; });
    addEventListener("pointermove", ({ clientX, clientY }) => {
      if (!from) return;
      const [left, top] = [from[0] - clientX, from[1] - clientY];
      dragged ||= Math.abs(left - canvas.scrollLeft) + Math.abs(top - canvas.scrollTop) > 5;
      if (dragged) canvas.scrollTo(left, top);
    });
    canvas.addEventListener("click", (event) => dragged && event.preventDefault(), true);
    canvas.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /* A step beside the page. */

  const panel = {
    async open(link) {
      const step = link.closest("[data-gorkflow-step]");
      this.url = link.getAttribute("href");
      this.opener = link;
      const found = await page(this.url).catch(() => null);
      if (!found || !this.show(found)) { location.href = this.url; return; }
      const wanted = new URLSearchParams(location.hash.slice(1));
      if (step && wanted.get("step") !== step.dataset.gorkflowStep) {
        history.replaceState(null, "", `#${new URLSearchParams({ step: step.dataset.gorkflowStep })}`);
      }
      const attempt = $(`[id$="-attempt-${parseInt(wanted.get("attempt"), 10)}"]`, this.element);
      if (attempt) attempt.scrollIntoView({ block: "nearest" });
      else this.element.scrollTop = 0;
      this.title.focus();
    },

    show(fresh) {
      const found = fresh.getElementById("gorkflow-step");
      if (!found) return false;
      for (const name of ["id", "aria-labelledby"]) {
        for (const each of all(`[${name}]`, found)) each.setAttribute(name, `panel-${each.getAttribute(name)}`);
      }
      if (!this.element) {
        this.title = make("h2", { tabindex: "-1", id: "gorkflow-panel-title" });
        this.link = make("a", {}, words.ownPage);
        this.body = make("div");
        this.element = make("aside", { class: "gorkflow-panel gorkflow-page", "aria-labelledby": "gorkflow-panel-title" },
          make("div", { class: "gorkflow-panel-head" }, this.title, this.link, button("\u2715", words.close, () => this.close())), this.body);
        document.body.append(this.element);
      }
      this.title.textContent = found.dataset.gorkflowTitle;
      this.link.href = this.url;
      morphChildren(this.body, found);
      changed();
      return true;
    },

    async refresh() {
      const fresh = this.element && await page(this.url).catch(() => null);
      if (fresh && this.element) this.show(fresh);
    },

    close() {
      if (!this.element) return;
      this.element.remove();
      this.element = null;
      history.replaceState(null, "", location.pathname + location.search);
      if (this.opener.isConnected) this.opener.focus();
    },
  };

  function openLink(event) {
    const link = event.target.closest("[data-gorkflow-step] a, a[data-gorkflow-step]");
    if (!link || !words.close || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    panel.open(event.target.closest("a"));
  }

  function openHash() {
    const wanted = new URLSearchParams(location.hash.slice(1)), id = wanted.get("step");
    if (wanted.has("view")) jump(`gorkflow-${wanted.get("view")}`);
    if (!id || !words.close) return;
    const found = all("[data-gorkflow-step]").find((each) => each.dataset.gorkflowStep === id);
    // Not there: on another page of the table, or in a pile.
    panel.open(found ? found.closest("a") || $("a", found) : make("a", { href: `../steps/?${new URLSearchParams({ id })}` }));
  }

  /* Copying. */

  function copyable(code) {
    if (code.ready || !navigator.clipboard || !words.copy) return;
    code.ready = true;
    const made = button(words.copy, "", async () => {
      await navigator.clipboard.writeText(code.textContent);
      made.textContent = words.copied;
    });
    code.before(make("div", { class: "gorkflow-copy" }, made));
  }

  /* Keys. */

  function jump(id) {
    const heading = document.getElementById(id);
    if (!heading) return;
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  }

  function nextFailed() {
    const links = all('tr[data-gorkflow-status="FAILED"] th a');
    if (links.length) links[(links.indexOf(document.activeElement) + 1) % links.length].focus();
  }

  const KEYS = {
    "?": () => $("#gorkflow-help") && $("#gorkflow-help").showModal(),
    "/": () => $("#searchbar") && $("#searchbar").focus(),
    n: nextFailed,
    g: () => jump("gorkflow-graph"),
    t: () => jump("gorkflow-timeline"),
    s: () => jump("gorkflow-steps"),
    Escape: () => panel.close(),
  };

  function press(event) {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || !KEYS[key] || target.closest("input, textarea, select, dialog")) return;
    if (key !== "Escape") event.preventDefault();
    KEYS[key]();
  }

  function changed() {
    all(".gorkflow-canvas").forEach(zoomable);
    all("pre.gorkflow-code").forEach(copyable);
    tick();
  }

  document.addEventListener("click", openLink);
  document.addEventListener("keydown", press);
  addEventListener("hashchange", openHash);
  const region = $("[data-gorkflow-live]"), list = $(".model-workflowrun #result_list");
  if (region) new Live(region);
  if (list) liveRows(list);
  changed();
  setInterval(tick, 500);
  openHash();
})();
