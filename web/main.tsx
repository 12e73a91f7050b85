// main.tsx - the start: looks, session, live data, the frame.
import { startLive } from './live';
import { session, startSession, whenSignedIn } from './session';
import { App, enterPage, preload, startShell } from './shell';
import { startLook } from './theme';
import { h, mount } from './view';

async function start(): Promise<void> {
  await startLook();
  mount(document.getElementById('app')!, () => <App />);
  whenSignedIn(() => {
    startLive();
    enterPage();
    if (session.info.preload_routing !== false) setTimeout(() => preload('routing'), 1500);
  });
  startShell();
  await startSession();
}

void start();
