// The coding agents: how each is started without a person in front of it, told where the gateway is, and kept from
// everything else (updates, usage statistics, sign-in, model catalogues). One entry each; nothing else knows them.
//
// `wire` is what it speaks, `provider` that of its account.
// `prepare(job)` gives { command, args, env, input } (input: text for stdin, if any) and may write files into
// `job.home`. A job has: gateway (the address), key (of the client), model, home and work (folders of its own), prompt.
// `write(path, text)` and `read(path)` give the agent's own tool for it, as a directive of the simulator.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`));
const platform = `${process.platform}-${process.arch}`;

function writeConfig(folder, name, text) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}

// The directive for one call of a tool.
function call(tool, args) {
  return `[[sim: tool=${tool} args=${JSON.stringify(args)}]]`;
}

// opencode speaks all four protocols, each through another provider package that it carries with it.
const openCodeProviders = [
  { npm: '@ai-sdk/openai-compatible', base: '/v1', provider: 'compatible', wire: 'openai-chat' },
  { npm: '@ai-sdk/openai', base: '/v1', provider: 'openai', wire: 'openai-responses' },
  { npm: '@ai-sdk/anthropic', base: '/v1', provider: 'anthropic', wire: 'anthropic' },
  { npm: '@ai-sdk/google', base: '/v1beta', provider: 'gemini', wire: 'gemini' },
];

function openCode({ npm, base, provider, wire }) {
  return {
    name: `opencode-${wire}`,
    provider,
    wire,
    write: (path, content) => call('write', { filePath: path, content }),
    read: (path) => call('read', { filePath: path }),
    prepare: ({ gateway, key, model, home, work, prompt }) => {
      const config = {
        autoupdate: false,
        share: 'disabled',
        enabled_providers: ['penstock'],
        small_model: `penstock/${model}`, // for titles
        provider: {
          penstock: {
            npm,
            name: 'penstock',
            options: { baseURL: gateway + base, apiKey: key },
            models: { [model]: { name: model } },
          },
        },
      };
      const models = join(home, 'models.json');
      writeFileSync(models, '{}');
      return {
        command: join(packageFolder(`opencode-${platform}-baseline`), 'bin/opencode'),
        args: ['run', '--pure', '--auto', '--dir', work, '-m', `penstock/${model}`],
        input: prompt, // its command line would put quotes around it
        env: {
          OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
          OPENCODE_MODELS_PATH: models,
          OPENCODE_DISABLE_MODELS_FETCH: '1',
          OPENCODE_DISABLE_AUTOUPDATE: '1',
          OPENCODE_DISABLE_SHARE: '1',
          OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
          OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
          npm_config_offline: 'true', // it installs a library for plugins into its configuration folder
        },
      };
    },
  };
}

// `more`: lines of its provider's settings.
function codex(name, more = []) {
  return {
    name,
    provider: 'openai',
    wire: 'openai-responses',
    write: (path, content) => call('exec_command', { cmd: `printf %s '${content}' > '${path}'` }),
    read: (path) => call('exec_command', { cmd: `cat '${path}'` }),
    prepare: ({ gateway, key, model, home, work, prompt }) => {
      const config = [
        `model = "${model}"`,
        'model_provider = "penstock"',
        'check_for_update_on_startup = false',
        'web_search = "disabled"',
        '[analytics]',
        'enabled = false',
        '[features]', // these ask for catalogues at the start
        'apps = false',
        'plugins = false',
        'remote_plugin = false',
        '[model_providers.penstock]',
        'name = "penstock"',
        `base_url = "${gateway}/v1"`,
        'env_key = "PENSTOCK_CLIENT_KEY"',
        'wire_api = "responses"',
        ...more,
      ];
      writeConfig(join(home, '.codex'), 'config.toml', config.join('\n') + '\n');
      return {
        command: process.execPath,
        args: [
          join(packageFolder('@openai/codex'), 'bin/codex.js'),
          'exec',
          '--skip-git-repo-check',
          // containers that run tests often forbid the namespaces of its sandbox; the commands are ours
          '--dangerously-bypass-approvals-and-sandbox',
          '-C',
          work,
          prompt,
        ],
        env: { CODEX_HOME: join(home, '.codex'), PENSTOCK_CLIENT_KEY: key },
      };
    },
  };
}

export const agents = [
  {
    name: 'claude-code',
    provider: 'anthropic',
    wire: 'anthropic',
    write: (path, content) => call('Write', { file_path: path, content }),
    read: (path) => call('Read', { file_path: path }),
    prepare: ({ gateway, key, model, prompt }) => ({
      // the program itself: the launcher beside it is put in place by an install script, and none may run
      command: join(packageFolder(`@anthropic-ai/claude-code-${platform}`), 'claude'),
      args: ['-p', prompt, '--model', model, '--permission-mode', 'acceptEdits'],
      env: {
        ANTHROPIC_BASE_URL: gateway,
        ANTHROPIC_AUTH_TOKEN: key,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: model, // for side tasks
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
        DISABLE_TELEMETRY: '1',
        DISABLE_ERROR_REPORTING: '1',
      },
    }),
  },
  codex('codex'),
  codex('codex-websocket', ['supports_websockets = true']),
  {
    name: 'gemini-cli',
    provider: 'gemini',
    wire: 'gemini',
    write: (path, content) => call('write_file', { file_path: path, content }),
    read: (path) => call('read_file', { file_path: path }),
    prepare: ({ gateway, key, model, home, prompt }) => {
      const settings = {
        general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        security: { auth: { selectedType: 'gemini-api-key' } },
      };
      writeConfig(join(home, '.gemini'), 'settings.json', JSON.stringify(settings));
      return {
        command: process.execPath,
        args: [
          join(packageFolder('@google/gemini-cli'), 'bundle/gemini.js'),
          '-p',
          prompt,
          '-m',
          model,
          '--approval-mode',
          'yolo',
          '--skip-trust',
        ],
        env: { GOOGLE_GEMINI_BASE_URL: gateway, GEMINI_API_KEY: key },
      };
    },
  },
  ...openCodeProviders.map(openCode),
];
