// The colours of GraphiQL's editors: those that the page has for code elsewhere. All have enough contrast with what is behind them.

const COLOURS = {
  light: {
    accent: "#6d28d9", shade: "#6d28d91a", ground: "#ffffff", soft: "#565d70",
    comment: "#565d70", string: "#8a3b12", keyword: "#8f1f6f", type: "#1f5a8a", name: "#2b3a8c", number: "#0b6b53", directive: "#6b5300", argument: "#5b34a8",
    brackets: ["#3b4b68", "#6d28d9", "#0b6b53"],
  },
  dark: {
    accent: "#b69cff", shade: "#b69cff26", ground: "#212a3b", soft: "#adb4c8",
    comment: "#adb4c8", string: "#f0b184", keyword: "#f295cf", type: "#8cc7f5", name: "#b4c0ff", number: "#74d6ba", directive: "#e0c56b", argument: "#c9b5ff",
    brackets: ["#d5dbea", "#c9b5ff", "#74d6ba"],
  },
};

/** Gives GraphiQL's themes these colours. */
export function defineThemes(monaco) {
  monaco.editor.defineTheme("graphiql-DARK", theme("vs-dark", COLOURS.dark));
  monaco.editor.defineTheme("graphiql-LIGHT", theme("vs", COLOURS.light));
}

function theme(base, of) {
  const [bracket1, bracket2, bracket3] = of.brackets;
  const rule = (token, foreground) => ({ token, foreground: foreground.slice(1) });
  return {
    base,
    inherit: true,
    rules: [
      rule("comment", of.comment),
      rule("string", of.string),
      rule("string.key.json", of.name),
      rule("string.value.json", of.string),
      rule("keyword", of.keyword),
      rule("keyword.json", of.keyword),
      rule("type", of.type),
      rule("type.identifier", of.type),
      rule("key.identifier", of.name),
      rule("argument.identifier", of.argument),
      rule("argument.identifier.gql", of.argument),
      rule("annotation", of.directive),
      rule("number", of.number),
    ],
    colors: {
      "editor.background": "#ffffff00",
      "scrollbar.shadow": "#ffffff00",
      "editorLineNumber.foreground": of.soft,
      "editorLineNumber.activeForeground": of.accent,
      "editorBracketHighlight.foreground1": bracket1,
      "editorBracketHighlight.foreground2": bracket2,
      "editorBracketHighlight.foreground3": bracket3,
      "editorHoverWidget.background": of.ground,
      "editorWidget.background": of.ground,
      "editorWidget.resizeBorder": of.accent,
      "editorSuggestWidget.background": of.ground,
      "editorSuggestWidget.selectedBackground": of.shade,
      "editorSuggestWidget.selectedForeground": of.accent,
      "quickInput.background": of.ground,
      "quickInputList.focusBackground": of.shade,
      "menu.background": of.ground,
      "menu.selectionBackground": of.shade,
      "menu.selectionForeground": of.accent,
      "list.hoverBackground": of.shade,
      "list.highlightForeground": of.accent,
      "list.focusHighlightForeground": of.accent,
      "textLink.foreground": of.accent,
      "textLink.activeForeground": of.accent,
      "editorLink.activeForeground": of.accent,
      focusBorder: of.accent,
    },
  };
}
