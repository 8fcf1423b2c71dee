// What pages with Clerk's script do about the session: renew it, follow other tabs,
// and lose nothing typed when it is over.
'use strict';

const wasSignedIn = Boolean(byId('account-menu')); // as the server saw it
const typed = new Set(); // the ids of fields somebody typed into

// isTyped reports whether something typed would be lost with the page.
const isTyped = () => [...document.querySelectorAll('main form :is(textarea, input:not([type=hidden]))')]
  .some(({id, value, defaultValue}) => value.trim() && (typed.has(id) || value !== defaultValue));

// forgetSent forgets what was sent: its field is gone, or empty again.
function forgetSent() {
  for (const id of typed) if (!byId(id)?.value) typed.delete(id);
}

let loading;

// clerkReady resolves to Clerk, or to nothing: then the next call tries again.
const clerkReady = () => loading ??= loadClerk().then(attend).catch(() => { loading = null; });

// clerkSoon is clerkReady, but resolves to nothing when that takes long.
const clerkSoon = () => inTime(clerkReady()).catch(() => {});

// attend hears from now on what Clerk says, and tells the other tabs.
function attend(clerk) {
  if (clerk?.user) tabs.postMessage(clerk.user.id);
  if (wasSignedIn) clerk?.addListener(follow);
  return clerk;
}

let owner; // the id of the user whose page this is; undefined until Clerk has said
let heard; // the id of who is signed in, by the last word; null: nobody
let changed; // when the user was
let asking = 0; // how many ask Clerk, and act themselves on what it says

// follow notices other tabs and a new name. Clerk says undefined meanwhile.
function follow({session, user}) {
  if (session === undefined || asking) return;
  const at = user && +user.updatedAt;
  if (at && user.id === heard && at !== changed) byId('refresh-account')?.requestSubmit();
  changed = at;
  hear(user?.id ?? null);
}

// hear notices who signed out or in elsewhere. A notice that asks to sign in
// goes with its reason.
function hear(id) {
  if (id === heard) return;
  heard = id;
  owner ??= id;
  if (!id || id !== owner) showChange(id);
  else byId('alerts').querySelector('a[href^="/sign-in"]')?.parentNode.remove();
}

// Each page tells the others who is signed in: Clerk tells no tab that was
// signed out.
const tabs = new BroadcastChannel('signed-in');
tabs.onmessage = ({data}) => { if (owner) hear(data); };

// showChange shows the page as it is for who is signed in now, or says so when
// something typed would be lost. Either way it is dealt with: it returns true.
function showChange(id) {
  if (isTyped() || !leave(() => location.reload())) {
    askToSignIn(id ? 'Somebody else is signed in now.' : 'Your session is over.');
  }
  return true;
}

// signOutEverywhere has Clerk end the session, so that all tabs hear of it. The
// server does it when Clerk is not there.
async function signOutEverywhere(event) {
  const form = event.target.closest('form[data-sign-out]');
  if (!form) return;
  event.preventDefault();
  asking++; // until the page is left
  const clerk = await clerkSoon();
  if (!clerk?.session) return form.submit();
  await inTime(clerk.signOut({redirectUrl: '/'})).catch(() => form.submit());
}

// renew has Clerk renew the session cookie. It resolves to the id of who is
// signed in then, to null for nobody, to undefined when Clerk is not there.
async function renew() {
  asking++;
  const clerk = await clerkSoon();
  const failed = await inTime(clerk?.session?.getToken({skipCache: true})).then(() => false, () => true);
  asking--;
  if (!clerk || (failed && clerk.session)) return undefined;
  heard = clerk.user?.id ?? null;
  owner ??= heard;
  return heard;
}

// fetchRenewing is fetch, but renews a session that ran out and repeats the
// request once. What one user sends is not repeated as another. What goes with
// typing fails quietly, so that typing can go on.
async function fetchRenewing(url, options, ctx) {
  const quietly = savesItself(ctx) || ctx.sourceElement.matches('.preview');
  const sender = owner;
  const response = await fetch(url, options);
  if (response.status !== 401) return response;
  const id = await renew();
  const another = id && id !== (sender ?? id);
  if (!quietly && (another ? showChange(id) : id === null && !isTyped() && leave(goToSignIn))) {
    return nothing();
  }
  const again = id && !another ? await fetch(url, options) : response;
  if (again.status !== 401) return again;
  if (quietly) return savesItself(ctx) ? new Response('Not saved: sign in again.') : nothing();
  if (again.headers.get('HX-Reswap') === 'none') askToSignIn(whyRefused(id));
  return again;
}

// nothing is an answer that changes nothing.
const nothing = () => new Response(null, {status: 204});

// whyRefused tells why a session was not renewed, by what renew resolved to.
function whyRefused(id) {
  if (id) return 'Your session was not accepted.';
  return id === null ? 'Your session is over.' : 'Your session cannot be renewed: Clerk cannot be reached.';
}

on('htmx:config:request', ({detail: {ctx}}) => {
  ctx.fetch = (url, options) => fetchRenewing(url, options, ctx);
});
on('htmx:sse:error', async ({detail}) => { // it tries again by itself
  const id = detail.status === 401 ? await renew() : undefined;
  if (id !== undefined && id !== owner) showChange(id);
});
on('htmx:after:swap', forgetSent);
on('input', ({target}) => typed.add(target.id));
on('submit', signOutEverywhere);
addEventListener('pageshow', ({persisted}) => { // perhaps from before a sign-out
  if (persisted && wasSignedIn && !isTyped()) location.reload();
});

// Clerk renews the session before it runs out, and hears of other tabs.
clerkReady().then(mountComponent);
clerkSoon().then((clerk) => clerk || mountComponent());
