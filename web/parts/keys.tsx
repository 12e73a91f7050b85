// parts/keys.tsx - the keys that clients show: made here, shown once, limited, revoked.
import { Child, h } from '../view';

export function Keys(): Child {
  return <div hidden />;
}
