// Clerk's own script and components, and the ways to sign in, for session.js,
// which follows. Nothing here happens by itself.
'use strict';

// loadClerk gives Clerk's components their script, and their styles a nonce.
async function loadClerk() {
  const clerk = window.Clerk;
  const ui = window.__internal_ClerkUICtor;
  await clerk?.load({
    ...(ui && {ui: {ClerkUI: ui}}),
    nonce: byId('clerk-js').nonce,
    telemetry: false,
    signInUrl: '/sign-in',
    signUpUrl: '/sign-up',
  });
  return clerk;
}

// leave goes elsewhere, or reports that it does not: once in half a minute, for
// two pages that lead to each other would be a circle.
function leave(go) {
  if (Date.now() - (sessionStorage.went ?? 0) < 30_000) return false;
  sessionStorage.went = Date.now();
  go();
  return true;
}

// inTime is the promise, but fails when it takes long: Clerk itself would try
// for minutes, or wait for ever.
const inTime = (promise) => Promise.race([promise, new Promise((_, fail) => setTimeout(fail, 10_000))]);

// mountComponent shows Clerk's own form where a page has a place for it, or
// that Clerk is not there.
function mountComponent(clerk) {
  const place = byId('clerk-component');
  if (!place) return;
  byId('no-clerk').hidden = Boolean(clerk);
  if (!clerk) return;
  const {mount, redirectUrl: url} = place.dataset;
  if (!url || !clerk.isSignedIn) {
    clerk[mount](place, {forceRedirectUrl: url, signUpForceRedirectUrl: url, signInForceRedirectUrl: url});
  } else if (!leave(() => location.replace(url))) { // signed in, which the server did not see
    byId('not-accepted').hidden = false;
  }
}

// signInURL is the page to sign in that leads back to path.
const signInURL = (path) => '/sign-in?redirect_url=' + encodeURIComponent(path);

// goToSignIn leads to that page and back here.
const goToSignIn = () => location.assign(signInURL(location.pathname + location.search));

// askToSignIn keeps the page, for the sake of what is typed.
function askToSignIn(why) {
  warn(`${why} Nothing you typed is lost: sign in, then send it again.`,
    make('a', {href: signInURL('/signed-in'), textContent: 'Sign in in a new tab', target: '_blank'}));
}
