// Renews the page every 30 seconds while someone looks at it, and says so if it can't. Everything
// works without it, too.
(() => {
  "use strict";
  const every = 30_000;

  // isBusy tells whether the reader is in the middle of something that a renewal would undo.
  const isBusy = () => document.hidden || document.activeElement.matches("input, select, button") || !getSelection().isCollapsed;

  const renew = async () => {
    if (isBusy()) return;
    let fresh;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(every / 2) });
      if (!answer.ok) throw new Error(answer.status);
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      document.getElementById("stale").hidden = false;
      return;
    }
    if (isBusy()) return;
    const focused = document.activeElement.getAttribute("href");
    const open = [...document.querySelectorAll("main details")].map((d) => d.open);
    document.title = fresh.title;
    for (const part of ["main", "footer"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
    document.querySelectorAll("main details").forEach((d, i) => { d.open = Boolean(open[i]); });
    if (focused) [...document.querySelectorAll("main a")].find((a) => a.getAttribute("href") === focused)?.focus({ preventScroll: true });
    addCopying();
  };

  const addCopying = () => {
    if (!navigator.clipboard) return; // browsers allow it over TLS and on localhost alone
    for (const text of document.querySelectorAll("pre")) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      });
      text.before(button);
    }
  };

  addCopying();
  setInterval(renew, every);
})();
