// An `iframe-worker`, as the plugin `offline` calls it.
// Search works when the built site is opened from a disk, too. Browsers refuse to start a Worker for `file:` addresses,
// so there its script runs in a hidden frame instead. The theme's script looks for the name `IFrameWorker`.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><body></body>";
      this.inside = new Promise((resolve) => {
        frame.addEventListener("load", () => {
          const inside = frame.contentWindow;
          // What a Worker's script expects to find. It awaits `importScripts`, so loading may take its time.
          inside.importScripts = (...urls) =>
            urls.reduce((before, each) => before.then(() => load(frame.contentDocument, each)), Promise.resolve());
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) }));
          load(frame.contentDocument, new URL(url, location.href).href).then(() => resolve(inside));
        }, { once: true });
      });
      document.body.appendChild(frame);
    }

    postMessage(data) {
      this.inside.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data: inside.structuredClone(data) })));
    }

    terminate() {}
  };
  window.Worker = window.IFrameWorker;

  function load(page, url) {
    return new Promise((resolve, reject) => {
      const script = page.createElement("script");
      script.src = url;
      script.onload = resolve;
      script.onerror = reject;
      page.body.appendChild(script);
    });
  }
}
