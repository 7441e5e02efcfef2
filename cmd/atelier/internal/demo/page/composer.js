// The box one writes in: text, files, and completion of what begins with /, @ or :.
import { el, icon, iconButton } from './dom.js';
import { matching } from './emoji.js';

let serial = 0;

// onlyShiftBreaks keeps Enter from also breaking the line: some browsers and input methods insert after the key was handled.
function onlyShiftBreaks(input) {
  let shift = false;
  input.addEventListener('keydown', (e) => {
    shift = e.shiftKey;
  });
  input.addEventListener('beforeinput', (e) => {
    if (e.inputType === 'insertLineBreak' && !shift) e.preventDefault();
  });
}

// Composer calls send(text, files), which resolves to a sentence when something is wrong, else to nothing.
// suggest(text, caret) gives {from, items} for the word that is being typed; an item has text to put there, or run().
export class Composer {
  constructor({ label, placeholder, send, suggest, empty, extra }) {
    const id = `composer-${++serial}`;
    Object.assign(this, { send, suggest, empty, files: [], items: [], at: -1, from: 0 });
    this.note = el('div', { class: 'note', role: 'alert', hidden: true });
    this.chips = el('div', { class: 'chips', hidden: true });
    this.options = el('div', { class: 'suggestions', role: 'listbox', id: `${id}-list`, 'aria-label': 'Suggestions', hidden: true });
    this.input = el('textarea', { rows: '1', 'aria-label': label, placeholder, 'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'true', maxlength: '12000',
      oninput: () => this.typed(), onkeydown: (e) => this.key(e), onpaste: (e) => this.paste(e), onblur: () => this.close(), onclick: () => this.complete() });
    onlyShiftBreaks(this.input);
    this.picker = el('input', { type: 'file', multiple: true, hidden: true, 'aria-label': `Files for: ${label}`, tabindex: '-1', onchange: () => {
      this.add(this.picker.files);
      this.picker.value = '';
    } });
    this.button = iconButton('send', 'Send', () => this.submit(), { class: 'tool send', disabled: true });
    this.field = el('div', { class: 'field' }, this.chips, this.input, el('div', { class: 'bar' }, iconButton('plus', 'Attach files', () => this.picker.click()), extra, el('span', { class: 'grow' }), this.button));
    this.root = el('div', { class: 'composer' }, this.options, this.note, this.field, this.picker);
  }

  // placeholder and label name where the message goes.
  retitle(label, placeholder) {
    this.input.setAttribute('aria-label', label);
    this.input.placeholder = placeholder;
  }

  get busy() {
    return Boolean(this.input.value.trim() || this.files.length);
  }

  // fill puts a text in the box, ready to be sent.
  fill(text) {
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.typed();
  }

  // say shows a sentence above the box until one types on.
  say(text) {
    this.note.textContent = text ?? '';
    this.note.hidden = !text;
  }

  // add takes files to go with the next message, ten at most.
  add(list) {
    this.files = [...this.files, ...list].slice(0, 10);
    this.drawChips();
    this.input.focus();
  }

  drawChips() {
    this.chips.replaceChildren(...this.files.map((f, i) => {
      const remove = iconButton('close', `Remove ${f.name}`, () => {
        this.files.splice(i, 1);
        this.drawChips();
        this.input.focus();
      });
      return el('span', { class: 'chip' }, icon('file', 16), el('span', {}, f.name || 'picture.png'), remove);
    }));
    this.chips.hidden = !this.files.length;
    this.button.disabled = !this.busy;
  }

  typed() {
    this.say('');
    this.grow();
    this.button.disabled = !this.busy;
    this.complete();
  }

  grow() {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }

  paste(e) {
    if (!e.clipboardData?.files.length) return;
    e.preventDefault();
    this.add(e.clipboardData.files);
  }

  complete() {
    const caret = this.input.selectionStart;
    const text = this.input.value;
    const word = /(^|\s):([a-z0-9_+-]{2,})$/.exec(text.slice(0, caret));
    const found = this.suggest?.(text, caret) ?? (word && { from: caret - word[2].length - 1, items: matching(word[2]).map((e) => ({ text: `:${e.name}: `, label: `${e.char} :${e.name}:` })) });
    if (!found?.items.length) return this.close();
    this.items = found.items.slice(0, 40);
    this.from = found.from;
    this.options.replaceChildren(...this.items.map((item, i) => el('div', { role: 'option', id: `${this.options.id}-${i}`, 'aria-selected': 'false',
      onpointerdown: (e) => e.preventDefault(), onclick: () => this.pick(i) },
    item.image && el('img', { src: item.image, alt: '' }), el('b', {}, item.label), item.hint && el('span', {}, item.hint))));
    this.options.hidden = false;
    this.move(0);
  }

  move(i) {
    this.at = i;
    [...this.options.children].forEach((o, n) => o.setAttribute('aria-selected', String(n === i)));
    const on = this.options.children[i];
    on?.scrollIntoView({ block: 'nearest' });
    if (on) this.input.setAttribute('aria-activedescendant', on.id);
  }

  close() {
    this.items = [];
    this.at = -1;
    this.options.hidden = true;
    this.options.replaceChildren();
    this.input.removeAttribute('aria-activedescendant');
  }

  // pick takes a suggestion; it reports whether that changed anything.
  pick(i) {
    const item = this.items[i];
    this.close();
    if (item.run) {
      item.run();
      return true;
    }
    const { value, selectionStart: caret } = this.input;
    const next = value.slice(0, this.from) + item.text + value.slice(caret);
    if (next.trim() === value.trim()) return false;
    this.input.value = next;
    this.input.setSelectionRange(this.from + item.text.length, this.from + item.text.length);
    this.typed();
    return true;
  }

  key(e) {
    if (e.isComposing) return;
    const open = !this.options.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (open && step) {
      e.preventDefault();
      this.move((this.at + step + this.items.length) % this.items.length);
    } else if (open && e.key === 'Escape') {
      e.preventDefault();
      e.stopPropagation();
      this.close();
    } else if (open && e.key === 'Tab' && !e.shiftKey) {
      e.preventDefault();
      this.pick(this.at);
    } else if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      if (!open || !this.pick(this.at)) this.submit();
    } else if (e.key === 'ArrowUp' && !this.input.value) {
      this.empty?.();
    }
  }

  async submit() {
    const text = this.input.value;
    const files = this.files;
    if (!text.trim() && !files.length) return;
    this.close();
    this.input.value = '';
    this.files = [];
    this.drawChips();
    this.grow();
    this.say('');
    const wrong = await this.send(text.trim(), files);
    if (!wrong) return;
    this.say(wrong);
    // What was refused is given back, unless something else is being written already.
    if (!this.busy) {
      this.input.value = text;
      this.files = files;
      this.drawChips();
      this.grow();
    }
  }
}

// mentions suggests people for an @word before the caret; text gives what stands for a person.
export function mentions(value, caret, people, text) {
  const word = /(^|\s)@([\p{L}\p{N}._-]*)$/u.exec(value.slice(0, caret));
  if (!word) return null;
  const part = word[2].toLowerCase();
  const items = people.filter((p) => p.name.toLowerCase().startsWith(part) || (p.handle ?? '').toLowerCase().startsWith(part))
    .map((p) => ({ text: `${text(p)} `, label: p.name, hint: p.title, image: p.image }));
  return { from: caret - part.length - 1, items };
}

// editor replaces a message while it is being changed.
export function editor(text, save, cancel) {
  const note = el('div', { class: 'note', role: 'alert', hidden: true });
  const input = el('textarea', { rows: '2', 'aria-label': 'Edit message', class: 'editing' });
  input.value = text;
  onlyShiftBreaks(input);
  const done = async () => {
    const wrong = await save(input.value.trim());
    note.textContent = wrong ?? '';
    note.hidden = !wrong;
  };
  input.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      done();
    } else if (e.key === 'Escape') {
      e.stopPropagation();
      cancel();
    }
  });
  requestAnimationFrame(() => {
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
  });
  return el('div', { class: 'editor' }, note, input, el('div', { class: 'bar' },
    el('button', { type: 'button', class: 'plain', onclick: cancel }, 'Cancel'), el('button', { type: 'button', class: 'go', onclick: done }, 'Save')));
}
