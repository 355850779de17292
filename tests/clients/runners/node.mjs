// Plays the calls of the suite with the client for Node; README.md of this folder has the protocol.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as client from '../../../src/clients/node/index.mjs';

const require = createRequire(import.meta.url);
const PIECE = 64 * 1024;

const OUTCOMES = new Map([
    [client.JobFailedError, 'failed'],
    [client.RequestRefusedError, 'failed'],
    [client.ReplyCutShortError, 'cut-short'],
    [client.ProtocolViolationError, 'violation'],
    [client.ConnectionError, 'connection'],
    [client.UntrustedDaemonError, 'untrusted'],
    [client.RequestError, 'request'],
    [client.OutputTooLargeError, 'too-much'],
    [client.InputError, 'input'],
    [client.AbortError, 'cancelled'],
]);

/** Keeps of an output what the answer has of it. */
class Digest {
    #hash = createHash('sha256');
    #start = Buffer.alloc(0);
    bytes = 0;

    add(piece) {
        this.#hash.update(piece);
        this.bytes += piece.length;
        if (this.#start.length < 4096)
            this.#start = Buffer.concat([this.#start, piece.subarray(0, 4096 - this.#start.length)]);
    }

    toAnswer() {
        return { bytes: this.bytes, sha256: this.#hash.copy().digest('hex'), start: this.#start.toString('base64') };
    }

    static of(bytes) {
        const digest = new Digest();
        digest.add(bytes);
        return digest.toAnswer();
    }
}

function* piecesOf(content) {
    if (content.text !== undefined) {
        yield Buffer.from(content.text);
    } else if (content.base64 !== undefined) {
        yield Buffer.from(content.base64, 'base64');
    } else {
        const pattern = Buffer.from(content.pattern);
        const block = Buffer.alloc(Math.max(1, Math.floor(PIECE / pattern.length)) * pattern.length, pattern);
        for (let left = content.bytes; left > 0; left -= block.length)
            yield block.subarray(0, left);
    }
}

async function* failing(content) {
    yield* piecesOf(content);
    throw new Error('the source of the input failed');
}

function inputOf(call) {
    if (call.inputFails)
        return failing(call.input ?? { text: '' });
    return call.input === undefined ? undefined : piecesOf(call.input);
}

/** The members of a call that are options of the client by the same name. */
function pick(call, ...names) {
    const options = Object.fromEntries(names.filter(name => call[name] !== undefined).map(name => [name, call[name]]));
    if (call.daemonUid !== undefined)
        options.daemonUid = call.daemonUid === 'any' ? null : call.daemonUid;
    return options;
}

async function run(call, answer) {
    const options = pick(call, 'socket', 'user', 'args', 'env', 'timeout');
    if (call.limit !== undefined)
        options.maxBuffer = call.limit;
    if (call.throws === undefined)
        options.check = false;
    const result = await client.run(call.job, { ...options, input: inputOf(call), encoding: 'buffer' });
    report(answer, result);
}

async function stream(call, answer) {
    const abort = new AbortController();
    const options = pick(call, 'socket', 'user', 'args', 'env', 'timeout');
    const job = client.start(call.job, { ...options, check: false, signal: abort.signal });
    const stdout = new Digest(), stderr = new Digest();
    try {
        // The result has the failures of all streams.
        await Promise.allSettled([feed(job, inputOf(call)), take(job, call, stdout, abort), digest(job.stderr, stderr)]);
        report(answer, await job.result);
    } finally {
        answer.stdout = stdout.toAnswer();
        answer.stderr = stderr.toAnswer();
    }
}

async function feed(job, input) {
    if (input === undefined)
        job.stdin.end();
    else
        await pipeline(Readable.from(input), job.stdin);
}

async function digest(output, result) {
    for await (const piece of output)
        result.add(piece);
}

async function take(job, call, stdout, abort) {
    let hasPaused = call.pauseAfter === undefined;
    for await (const piece of job.stdout) {
        stdout.add(piece);
        if (!hasPaused && stdout.bytes >= call.pauseAfter) {
            hasPaused = true;
            await sleep(1000 * call.pause);
        }

        if (call.cancelAfter !== undefined && stdout.bytes >= call.cancelAfter)
            abort.abort();
        if (call.leaveAfter !== undefined && stdout.bytes >= call.leaveAfter)
            break;
    }
}

function report(answer, { code, exit, signal, message, error, job, user, uid, stdout, stderr }) {
    Object.assign(answer, { code, exit, signal, message, error, job, user, uid });
    if (Buffer.isBuffer(stdout))
        Object.assign(answer, { stdout: Digest.of(stdout), stderr: Digest.of(stderr) });
}

const CALLS = {
    run,
    stream,
    list: async (call, answer) => {
        answer.value = await client.list(pick(call, 'socket'));
    },
    describe: async (call, answer) => {
        answer.value = await client.describe(call.job, pick(call, 'socket'));
    },
    check: async (call, answer) => {
        answer.value = await client.check(call.job, pick(call, 'socket', 'user', 'args', 'env', 'timeout', 'caller'));
    },
    status: async (call, answer) => {
        answer.value = await client.status(pick(call, 'socket'));
    },
    'sign-in': async (call, answer) => {
        answer.value = await client.signIn(call.user, call.password, pick(call, 'socket'));
    },
    cancel: async (call, answer) => {
        await client.cancel(call.id, pick(call, 'socket'));
        answer.value = null;
    },
};

async function play(call) {
    if (call.call === 'about') {
        const { name, version } = require('../../../src/clients/node/package.json');
        return { client: `${name} ${version}`, runtime: `Node ${process.version}` };
    }

    const answer = { case: call.case, outcome: 'result' };
    if (CALLS[call.call] === undefined)
        return { ...answer, outcome: 'unsupported' };
    try {
        await CALLS[call.call](call, answer);
    } catch (failure) {
        const outcome = OUTCOMES.get(failure.constructor);
        if (outcome === undefined)
            throw failure;
        answer.outcome = outcome;
        answer.shown = failure.message;
        if (outcome === 'failed')
            report(answer, failure.result);
    }

    return answer;
}

for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await play(JSON.parse(line)))}\n`);
