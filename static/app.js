// What every page does beyond plain HTML and htmx. Without it they still work.
// On pages with Clerk's script, clerk.js and session.js follow, which use what is
// on top here.
'use strict';

const byId = (id) => document.getElementById(id);
const make = (name, properties) => Object.assign(document.createElement(name), properties);
const on = document.addEventListener.bind(document);

// warn shows a problem above the page, with what can be done about it.
function warn(text, ...more) {
  const notice = make('div', {className: 'notice notice-problem', role: 'alert'});
  notice.append(make('p', {textContent: text}), ...more);
  byId('alerts').replaceChildren(notice);
}

// savesItself tells what a form sends by itself: nobody who types is alarmed.
const savesItself = (ctx) => ctx?.request.action?.endsWith('/autosave');

// asksByItself tells what else nobody has pressed a button for.
const asksByItself = (ctx) => ctx?.sourceEvent?.type === 'every' || ctx?.sourceElement?.matches('#live, .preview');

// showBusy says that something pressed is under way, and takes old problems away.
function showBusy({target, detail: {ctx}}) {
  if (savesItself(ctx)) return;
  target.setAttribute?.('aria-busy', 'true');
  if (!asksByItself(ctx)) byId('alerts').replaceChildren();
}

// sayUnreachable tells of a request without an answer, for htmx is silent then.
function sayUnreachable({target, detail: {ctx, error}}) {
  if (savesItself(ctx)) {
    target.textContent = 'Not saved: the site cannot be reached.';
  } else if (/^(Type|Abort)Error$/.test(error?.name) && !asksByItself(ctx)) {
    warn('The site cannot be reached. Nothing is lost: check the connection and try again.');
  }
}

// saySignedIn helps the page of a guest who has signed in elsewhere: it cannot
// renew a session that ran out since.
function saySignedIn({detail: {ctx}}) {
  if (ctx.response.status !== 401 || byId('clerk-js') || asksByItself(ctx)) return;
  warn('You have signed in or out meanwhile.', make('a', {href: location.href, textContent: 'Load this page again'}));
}

// sendOnce keeps the second press of a double click from sending a plain form
// again; htmx sees to its own.
function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (event.timeStamp - form.sentAt < 1000) return event.preventDefault();
  form.sentAt = event.timeStamp;
}

// closeMenu closes the menu on Escape or when something else is pressed.
function closeMenu({key, target}) {
  const menu = byId('menu');
  if (!menu?.open || (key ? key !== 'Escape' : menu.contains(target))) return;
  menu.open = false;
  if (key) byId('account-menu').focus();
}

// step moves the focus to the next title of a list, or back, from wherever it
// is; without a focus from where the reader has scrolled to.
function step(forward) {
  const titles = [...document.querySelectorAll('main article h2 a, main article[tabindex], #load-more')];
  const from = document.activeElement;
  const isAhead = (title) => from === document.body ? title.getBoundingClientRect().top >= 0
    : from !== title && from.compareDocumentPosition(title) & Node.DOCUMENT_POSITION_FOLLOWING;
  const next = forward ? titles.find(isAhead) : titles.findLast((title) => title !== from && !isAhead(title));
  next?.focus({preventScroll: true});
  (next?.closest('article') ?? next)?.scrollIntoView({block: 'nearest'});
}

// write opens the form above the feed, or goes to the page that has one.
function write() {
  const summary = byId('compose');
  if (!summary) return location.assign('/posts/new');
  summary.parentNode.open = true; // which fetches the form, once
  (byId('compose-form-title') ?? summary).focus();
}

// search goes to the page's own search field, else to the site's, or to the page
// that has one.
function search() {
  const field = [...document.querySelectorAll('[role=search] [type=search]')].findLast((each) => each.checkVisibility());
  return field ? field.focus() : location.assign('/search#search-q');
}

// shortcuts are the keys that the help sheet tells of.
const shortcuts = {
  j: () => step(true),
  k: () => step(false),
  n: write,
  '/': search,
  '?': () => byId('shortcuts').showModal(),
};

// useShortcut does what a key stands for, unless it is typed into something or
// meant for what is open. Who has switched the keys off has no help sheet.
function useShortcut(event) {
  const {key, target, repeat} = event;
  const taken = event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey ||
    (repeat && !/[jk]/.test(key)) || target.closest?.('input, textarea, select, [contenteditable]') ||
    document.querySelector('dialog[open], #menu[open], [aria-modal=true]');
  if (taken || !Object.hasOwn(shortcuts, key) || !byId('shortcuts')) return;
  event.preventDefault();
  shortcuts[key]();
}

on('htmx:before:request', showBusy);
on('htmx:finally:request', ({target}) => target.removeAttribute?.('aria-busy'));
on('htmx:error', sayUnreachable);
on('htmx:response:error', saySignedIn);
on('submit', sendOnce);
on('click', closeMenu);
on('keydown', closeMenu);
on('keydown', useShortcut);

// Deferred scripts may run apart: htmx, which begins when it is there, may have
// begun before its extension was.
setTimeout(() => {
  const live = byId('live');
  if (live && !live._htmx) htmx.process(live);
});
