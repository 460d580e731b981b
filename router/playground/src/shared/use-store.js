// A store's value in a component.
import { useSyncExternalStore } from "react";

export function useStore(store) {
  return useSyncExternalStore(store.subscribe, store.get);
}
