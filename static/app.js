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
const asksByItself = (ctx) => ctx?.sourceEvent?.type === 'every' || ctx?.sourceElement?.id === 'live';

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

// closeMenu closes the menu on Escape or when something else is pressed.
function closeMenu({key, target}) {
  const menu = byId('menu');
  if (!menu?.open || (key ? key !== 'Escape' : menu.contains(target))) return;
  menu.open = false;
  if (key) byId('account-menu').focus();
}

on('htmx:before:request', showBusy);
on('htmx:finally:request', ({target}) => target.removeAttribute?.('aria-busy'));
on('htmx:error', sayUnreachable);
on('htmx:response:error', saySignedIn);
on('click', closeMenu);
on('keydown', closeMenu);

// Deferred scripts may run apart: htmx, which begins when it is there, may have
// begun before its extension was.
setTimeout(() => {
  const live = byId('live');
  if (live && !live._htmx) htmx.process(live);
});
