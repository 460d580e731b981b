// GraphiQL marks its tabs as `tab`, and they have buttons in them, which screen readers then don't reach. They are made a list of buttons, of
// which the current one is marked.

/** Does so for all tabs in `root`, also those that are added later. */
export function mendTabs(root) {
  const mend = () => {
    root.querySelectorAll(".graphiql-tabs, .graphiql-session-header [role='tablist']").forEach((list) => set(list, "role", "list"));
    root.querySelectorAll(".graphiql-tab").forEach((tab) => {
      set(tab, "role", "listitem");
      if (!tab.hasAttribute("aria-selected")) return;
      const button = tab.querySelector(".graphiql-tab-button");
      if (button) set(button, "aria-current", tab.getAttribute("aria-selected"));
      tab.removeAttribute("aria-selected");
    });
    const panel = root.querySelector("#graphiql-session");
    if (panel) set(panel, "role", "group");
  };
  const observer = new MutationObserver(mend);
  observer.observe(root, { subtree: true, childList: true, attributeFilter: ["aria-selected"] });
  mend();
  return () => observer.disconnect();
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
