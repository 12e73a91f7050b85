import { mount, h } from './view';
mount(document.getElementById('app')!, () => <main>hello</main>);
