// types.ts - what the admin API answers (docs/openapi.json), as far as pages use it.

export interface Quota {
  group: string;
  remaining_permille: number | null;
  reset_unix_ms: number | null;
  seen_unix_ms: number;
  age_seconds: number;
}

export interface Lockout {
  scope: string;
  reason: string;
  since_unix_ms: number;
  until_unix_ms: number | null;
  named_by_provider: boolean;
  failures: number;
  status: number;
  evidence: string;
}

export interface Account {
  id: number;
  label: string;
  provider: string;
  tier: string;
  disabled: boolean;
  proxy_disabled: boolean;
  credential_refused: boolean;
  sign_in_again: boolean;
  renewal: 'automatic' | 'client_missing' | 'none' | null;
  imported_from: string | null;
  proxy: string | null;
  disabled_reason: string;
  declared_in: 'file' | 'database';
  created_unix_ms: number;
  in_flight: number;
  max_concurrency: number;
  sessions: number;
  sessions_live: number;
  served: number;
  failed: number;
  today?: { requests: number; tokens_in: number; tokens_out: number };
  models_source: string;
  models_known: number;
  models_seen_unix_ms: number | null;
  quota: Quota[];
  quota_count: number;
  lockouts: Lockout[];
  lockout_count: number;
  [more: string]: unknown;
}

export interface Scheduling {
  mode: 'Balance' | 'CacheFirst' | 'PerformanceFirst';
  max_wait_seconds: number;
  queue_wait_seconds: number;
  optimize_quota_sorting: boolean;
  quota_reserve_percent: number;
  fixed_account: { id: number; label: string | null } | null;
  bindings: number;
  revision: number;
}

export interface Tokens {
  in: number | null;
  out: number | null;
  cache_read: number | null;
  cache_write: number | null;
  reasoning: number | null;
}

export interface RequestSummary {
  id: string;
  started_unix_ms: number;
  protocol: string;
  stream: boolean;
  model: string | null;
  mapped_model: string | null;
  session: string | null;
  client_key: string | null;
  account: string | null;
  provider: string | null;
  status: number;
  ending: string;
  attempt_count: number;
  first_byte_ms: number | null;
  duration_ms: number;
  tokens: Tokens;
  trace?: boolean; // false: how it was decided is not kept any more
  attempts?: KeptAttempt[]; // of such a one
}

export interface KeptAttempt {
  number: number;
  account: string;
  provider: string;
  verdict: string;
  status: number;
  duration_ms: number;
}

export interface Passed {
  account_id: number;
  account: string;
  skip: string;
  verdict: string | null;
  until_unix_ms: number | null;
}

export interface Layer {
  fate: string;
  account_id: number;
  account: string;
  skip: string | null;
}

export interface Pick {
  reason: string;
  mode: string;
  fixed: Layer | null;
  bound: Layer | null;
  recent: Layer | null;
  probe: boolean;
  binds: boolean;
  tier: string;
  remaining_permille: number | null;
  in_flight: number;
  picked_ms_ago: number | null;
  skipped: Record<string, number>;
  usable: number;
  passed: Passed[];
  passed_more: number;
  free_at_unix_ms: number | null;
}

export interface Attempt {
  number: number;
  account_id: number;
  account: string;
  provider: string;
  pick: Pick;
  waited_ms: number;
  started_unix_ms: number;
  verdict: string;
  status: number;
  delay_ms: number | null;
  first_byte_ms: number | null;
  duration_ms: number;
  tokens: Tokens;
  lockout: { scope: string; until_unix_ms: number | null } | null;
}

export interface RequestTrace extends Omit<RequestSummary, 'attempts'> {
  path: string | null;
  phase: string;
  bytes_in: number;
  bytes_out: number;
  attempts: Attempt[];
  nobody_free: Pick | null;
  explanation: string[];
}

export interface Status {
  name: string;
  version: string;
  active_accounts: number;
  uptime_seconds: number;
  listeners: string[];
  workers: number;
  streams: number;
  connections: number;
  simulator: boolean;
  serving: boolean;
  settings_fault: string | null;
  counters: Record<string, number>;
  [more: string]: unknown;
}
