// Keeps the regions marked data-live fresh: on a commit that concerns the page it fetches the page again and replaces those
// regions. Forms with something typed are left alone. Without this script the pages work, by reloading.
"use strict";
(() => {
  const watch = document.body.dataset.watch;
  const lamp = document.getElementById("live");
  if (!watch || !window.EventSource) return;
  const page = location.pathname + location.search.replace(/([?&])done=[^&]*&?/, "$1");
  let busy = false, again = false;

  const busyRegion = (region) => {
    const at = document.activeElement;
    return region.contains(at) && at.matches("input, select, textarea, button");
  };

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(page, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of document.querySelectorAll("[data-live]")) {
          const next = fresh.getElementById(old.id);
          if (!next || busyRegion(old) || old.innerHTML === next.innerHTML) continue;
          for (const open of old.querySelectorAll("details[id]")) {
            const same = next.querySelector("#" + CSS.escape(open.id));
            if (same) same.open = open.open;
          }
          old.replaceChildren(...next.childNodes);
        }
      }
    } catch { /* the gateway is away; the event stream says so and comes back by itself */ }
    busy = false;
    if (again) { again = false; setTimeout(refresh, 500); }
  }

  const show = (on) => {
    if (!lamp) return;
    lamp.hidden = false;
    lamp.textContent = on ? lamp.dataset.up : lamp.dataset.down;
    lamp.classList.toggle("off", !on);
  };

  const events = new EventSource("/api/v1/events");
  let first = true;
  events.addEventListener("hello", () => { show(true); if (!first) refresh(); first = false; });
  events.addEventListener("commit", (e) => {
    const c = JSON.parse(e.data);
    if (watch === "*" || c.all || (c.accounts || []).includes(watch)) refresh();
  });
  events.onerror = () => {
    show(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
  setInterval(refresh, 15000); // ages go on though nothing is committed
})();
