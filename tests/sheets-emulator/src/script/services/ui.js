// The dialogs and menus of SpreadsheetApp.getUi(). Whoever runs a menu item says beforehand what the person will answer.
(function (google) {
  const named = (names) => Object.fromEntries(names.map((name) => [name, Object.freeze({ toString: () => name, name: () => name })]));
  const Button = named(['CLOSE', 'OK', 'CANCEL', 'YES', 'NO']);
  const ButtonSet = named(['OK', 'OK_CANCEL', 'YES_NO', 'YES_NO_CANCEL']);

  class Menu {
    constructor(title) {
      this.title = title;
      this.items = [];
    }
    addItem(label, run) {
      this.items.push({ label, function: run });
      return this;
    }
    addSeparator() { return this; }
    addSubMenu(menu) {
      this.items.push(...menu.items);
      return this;
    }
    addToUi() { google.host('ui', { call: 'menu', title: this.title, items: this.items }); }
  }

  // (text), (text, buttons) or (title, text, buttons).
  function dialog(kind, parts) {
    const text = parts.filter((part) => typeof part === 'string');
    const buttons = parts.find((part) => typeof part === 'object' && part !== null) ?? ButtonSet.OK;
    return google.host('ui', { call: kind, title: text.length > 1 ? text[0] : '', text: text[text.length - 1] ?? '', buttons: String(buttons) });
  }

  const ui = {
    Button,
    ButtonSet,
    createMenu: (title) => new Menu(title),
    createAddonMenu: () => new Menu('Add-ons'),
    alert: (...parts) => Button[dialog('alert', parts).button],
    prompt(...parts) {
      const answer = dialog('prompt', parts);
      return { getSelectedButton: () => Button[answer.button], getResponseText: () => answer.text };
    },
    showModalDialog: (html, title) => { dialog('alert', [title, html.getContent()]); },
    showSidebar: (html) => { dialog('alert', ['sidebar', html.getContent()]); },
  };
  google.ui = () => {
    if (!google.facts.interactive) throw new Error('Cannot call SpreadsheetApp.getUi() from this context.');
    return ui;
  };

  const page = (content) => ({
    getContent: () => content,
    setTitle() { return this; },
    setWidth() { return this; },
    setHeight() { return this; },
  });
  globalThis.HtmlService = { createHtmlOutput: (content = '') => page(String(content)) };
})(__google);
