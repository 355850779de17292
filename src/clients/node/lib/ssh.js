'use strict';

const { spawn } = require('node:child_process');
const { EventEmitter, once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

const { RemoteHostError, ReplyCutShortError, RequestError } = require('./errors.js');
const { excerpt } = require('./text.js');

const SCHEME = 'ssh://';

/** How long to wait for the end of ssh and its last words after the end of its output. */
const END_GRACE_MS = 5000;

const MAX_WORDS = 4096;

/**
 * The most sessions at once to one host; more requests wait. A server refuses some connections at more than 10 that begin at once
 * (MaxStartups), and more than 10 sessions of a shared connection (MaxSessions); sshd_config(5).
 */
const SESSIONS = 8;

/** [user@]host[:port], an IPv6 address in brackets. */
const HOST = /^(?:(?<user>.*)@)?(?:\[(?<address>[^[\]]*:[^[\]]*)\]|(?<name>[^:@[\]]*))(?::(?<port>[0-9]{1,5}))?$/s;

/** What OpenSSH 9.6 allows in names, because its configuration can pass them to a shell: CVE-2023-51385. No spaces, only ASCII. */
const NAME = /^(?!-)[!-~]+$/;
const OF_SHELLS = /['`"$\\;&<>|(){},]/;

/** What needs no quotes in a shell: ssh passes the command to the shell of the account. */
const PATH = /^[A-Za-z0-9_./@%+=:,-]{0,107}$/;

/** The sessions of each host: how many there are, and what waits for one. */
const sessions = new Map();

/** Those whose job is cancelled if this process exits. */
const open = new Set();

/**
 * Returns the host of an address; null if it is a path.
 * @param {string | undefined} given the option; undefined or empty for the environment
 * @returns {{ text: string, user?: string, name: string, port?: string, path: string } | null}
 */
function hostOf(given) {
    if (!given)
        return process.env.PIPEFORKAS_HOST ? parse(process.env.PIPEFORKAS_HOST, '') : null;
    if (typeof given !== 'string' || !given.startsWith(SCHEME))
        return null;
    const rest = given.slice(SCHEME.length);
    const slash = rest.indexOf('/');
    return slash < 0 ? parse(rest, '') : parse(rest.slice(0, slash), slash + 1 === rest.length ? '' : rest.slice(slash));
}

function parse(given, path) {
    const text = given.startsWith(SCHEME) ? given.slice(SCHEME.length) : given;
    const shown = excerpt(text);
    const found = HOST.exec(text)?.groups;
    if (found === undefined)
        throw new RequestError(`"${shown}" is not a host: a host is [user@]host[:port], an IPv6 address in brackets`);
    const { user, port } = found;
    const name = found.address ?? found.name;
    if ([name, user ?? name].some(word => !NAME.test(word) || OF_SHELLS.test(word))) {
        throw new RequestError(
            `"${shown}" is not a host: a part is empty, begins with '-', or has a character that ssh does not allow`);
    }

    if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65535))
        throw new RequestError(`"${shown}" is not a host: the port must be 1 to 65535`);
    if (!PATH.test(path)) {
        throw new RequestError(
            `"${excerpt(path)}" cannot be the path of a socket on another host: at most 107 of a-z A-Z 0-9 _./@%+=:,-`);
    }

    return { text, user, name, port, path };
}

/** The arguments of ssh, which never asks for a password. */
function sshArguments(host, daemonUid) {
    return [
        ...(host.port === undefined ? [] : ['-p', host.port]), ...(host.user === undefined ? [] : ['-l', host.user]),
        '-T', '-e', 'none', '-o', 'BatchMode=yes', '--', host.name, 'pipeforkas', 'dial',
        ...(host.path === '' ? [] : [`--socket=${host.path}`]), ...(daemonUid === 0 ? [] : [`--daemon-uid=${daemonUid ?? 'any'}`]),
    ];
}

/**
 * A connection through ssh: its standard streams are those of `pipeforkas dial` on the host. It has what an exchange uses of a socket, and
 * `explain`.
 */
class SshConnection extends EventEmitter {
    /** Gets each piece of the reply; returns whether to go on reading. */
    onPiece = () => true;

    /** Called when the daemon reads no more. */
    onInputGone = () => {};

    /** Whether the end record has arrived: then ssh ends by itself, and can share its connection with other sessions. */
    isComplete = false;

    #host;
    #child;
    #ended;
    #words = Buffer.alloc(0);

    constructor(host, daemonUid, release) {
        super();
        this.#host = host;
        this.#child = spawn('ssh', sshArguments(host, daemonUid), { stdio: ['pipe', 'pipe', 'pipe'] });
        const { stdin, stdout, stderr } = this.#child;
        this.#ended = new Promise(resolve => {
            this.#child.once('error', failure => resolve({ status: null, problem: `${failure.message}; install openssh-client` }));
            this.#child.once('exit', status => resolve({ status, problem: '' }));
        });
        this.#ended.then(() => {
            open.delete(this);
            release();
        });
        open.add(this);
        stdin.on('error', () => this.onInputGone());
        stdout.on('data', piece => {
            if (!this.onPiece(piece))
                stdout.pause();
        });
        stdout.once('end', () => this.emit('end'));
        stdout.on('error', failure => this.emit('error', failure));
        stderr.on('data', piece => {
            this.#words = Buffer.concat([this.#words, piece]).subarray(-MAX_WORDS);
        });
        stderr.on('error', () => {});
    }

    write(bytes, callback) {
        this.#child.stdin.write(bytes, () => callback?.());
    }

    end(callback) {
        this.#child.stdin.end(() => callback?.());
    }

    resume() {
        this.#child.stdout.resume();
    }

    destroy() {
        this.onPiece = () => false;
        this.onInputGone = () => {};
        const { stdin, stdout, stderr } = this.#child;
        for (const stream of [stdin, stdout, stderr])
            stream.destroy();
        if (this.isComplete)
            this.#child.unref();
        else
            this.kill();
    }

    /** It does not notice that its output is closed while it has nothing to write. */
    kill() {
        if (!this.isComplete)
            this.#child.kill('SIGKILL');
    }

    /** Waits for the end of ssh, and returns why there is no end record. */
    async explain(received) {
        const grace = new AbortController();
        const late = sleep(END_GRACE_MS, { status: null, problem: '' }, { signal: grace.signal, ref: false }).catch(() => {});
        const { status, problem } = await Promise.race([this.#ended, late]);
        if (!this.#child.stderr.readableEnded && !this.#child.stderr.destroyed)
            await Promise.race([once(this.#child.stderr, 'close').catch(() => {}), late]);
        grace.abort();
        const error = new RemoteHostError(this.#host.text, status, problem || this.#words.toString('utf8'));
        return received === 0 ? error : new ReplyCutShortError(received, error);
    }
}

/** Starts ssh when the host has a session left. */
async function connectBySsh(host, daemonUid, signal) {
    const ofHost = sessions.get(host.text) ?? { count: 0, waiting: [] };
    sessions.set(host.text, ofHost);
    if (ofHost.count >= SESSIONS) {
        await new Promise((resolve, reject) => {
            const waiter = () => {
                signal.removeEventListener('abort', abort);
                resolve();
            };
            const abort = () => {
                ofHost.waiting = ofHost.waiting.filter(other => other !== waiter);
                reject(signal.reason);
            };
            signal.addEventListener('abort', abort, { once: true });
            ofHost.waiting.push(waiter);
        });
    } else {
        ofHost.count++;
    }

    const release = () => {
        const next = ofHost.waiting.shift();
        if (next !== undefined)
            next();
        else if (--ofHost.count === 0)
            sessions.delete(host.text);
    };
    try {
        signal.throwIfAborted();
        return new SshConnection(host, daemonUid, release);
    } catch (failure) {
        release();
        throw failure;
    }
}

process.on('exit', () => {
    for (const connection of open)
        connection.kill();
});

module.exports = { connectBySsh, hostOf };
