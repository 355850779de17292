// What the client for Node does besides the protocol: forms of streams and input, errors that nobody awaits, options. The conformance suite
// has the protocol. Needs a daemon at PIPEFORKAS_SOCKET with the jobs of ClientTests.cs, which runs this.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import path from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as client from '../../../src/clients/node/index.mjs';

const { run, start, lines } = client;
const FAILING_BYTES = 300_000;

/** Ways to read a stream to its end; each returns the bytes, and throws the error of the stream. */
const READERS = {
    'for await': async stream => {
        let bytes = 0;
        for await (const piece of stream)
            bytes += piece.length;
        return bytes;
    },
    'data events': stream => listened(stream, count => stream.on('data', piece => count(piece.length))),
    'readable events': stream => listened(stream, count => stream.on('readable', () => {
        for (let piece; (piece = stream.read()) !== null;)
            count(piece.length);
    })),
    'reads of a size': stream => listened(stream, count => stream.on('readable', () => {
        for (let piece; (piece = stream.read(1000) ?? stream.read()) !== null;)
            count(piece.length);
    })),
    pipeline: async stream => {
        let bytes = 0;
        const slow = new Writable({
            highWaterMark: 1,
            write(piece, _, done) {
                bytes += piece.length;
                setImmediate(done);
            },
        });
        try {
            await pipeline(stream, slow);
        } catch (failure) {
            failure.bytes = bytes;
            throw failure;
        }

        return bytes;
    },
    pipe: async stream => await READERS['for await'](Readable.from(relayed(stream))),
    'web stream': async stream => await READERS['for await'](Readable.toWeb(stream)),
};

async function* relayed(stream) {
    const between = new PassThrough();
    stream.on('error', failure => between.destroy(failure));
    stream.pipe(between);
    yield* between;
}

function listened(stream, listen) {
    return new Promise((resolve, reject) => {
        let bytes = 0;
        listen(count => {
            bytes += count;
        });
        stream.on('end', () => resolve(bytes));
        stream.on('error', failure => reject(Object.assign(failure, { bytes })));
    });
}

async function noJob() {
    while ((await client.status()).jobs.length > 0)
        await turn();
}

/** A daemon of lies: sends these bytes, and closes. */
async function lying(bytes, use) {
    const folder = await mkdtemp('/tmp/pipeforkas-node-');
    await chmod(folder, 0o755);
    const socket = path.join(folder, 'lies.sock');
    const server = createServer(connection => {
        connection.on('error', () => {});
        connection.once('data', () => connection.end(bytes));
    });
    try {
        await new Promise(listening => server.listen(socket, listening));
        await use(socket, { socket, daemonUid: process.getuid() });
    } finally {
        server.close();
        await rm(folder, { recursive: true });
    }
}

function frame(type, payload) {
    const header = Buffer.alloc(8);
    header[0] = type;
    header.writeUInt32BE(payload.length, 4);
    return Buffer.concat([header, Buffer.from(payload)]);
}

describe('standard output', () => {
    for (const [name, read] of Object.entries(READERS)) {
        test(`${name}: all of it arrives`, async () => {
            const job = start('cat', { input: Readable.from(Array(64).fill('x'.repeat(10_000))) });
            job.stderr.resume();
            assert.equal(await read(job.stdout), 640_000);
            assert.equal((await job.result).code, 'ok');
        });

        test(`${name}: the error of a job that fails comes after all of it`, async () => {
            const job = start('fail-late');
            job.stderr.resume();
            job.stdin.end();
            const failure = await read(job.stdout).then(() => assert.fail('no error'), error => error);
            assert.ok(failure instanceof client.JobFailedError, failure);
            assert.deepEqual([failure.code, failure.exit, failure.result.stdoutBytes], ['failed', 7, FAILING_BYTES]);
            if (failure.bytes !== undefined)
                assert.equal(failure.bytes, FAILING_BYTES);
            await assert.rejects(job.result, failure);
        });

        test(`${name}: with check: false it ends`, async () => {
            const job = start('fail-late', { check: false });
            job.stderr.resume();
            job.stdin.end();
            assert.equal(await read(job.stdout), FAILING_BYTES);
            assert.equal((await job.result).exit, 7);
        });

        test(`${name}: a reply without an end record is an error`, async () => {
            await lying(frame(1, 'some'), async (_, options) => {
                const job = start('id', { ...options, check: false });
                await assert.rejects(read(job.stdout), client.ReplyCutShortError);
                await assert.rejects(job.result, client.ReplyCutShortError);
            });
        });
    }

    test('characters that pieces cut are whole in text, however it is read', async () => {
        const text = 'aÜ€😀'.repeat(20_000);
        for (const read of [READERS['for await'], READERS['data events'], READERS['readable events']]) {
            const job = start('cat', { input: text, encoding: 'utf8' });
            job.stderr.resume();
            assert.equal(await read(job.stdout), text.length);
        }

        const bytes = Buffer.from('😀');
        const single = Buffer.concat([...bytes].map(byte => frame(1, [byte])));
        await lying(Buffer.concat([single, frame(16, '{"code":"ok","exit":0}')]), async (_, options) => {
            for (const read of [READERS['for await'], READERS['readable events'], READERS['data events']])
                assert.equal(await read(start('id', { ...options, encoding: 'utf8' }).stdout), 2);
        });
    });

    test('a job waits for its reader, and goes on', async () => {
        // The job writes one byte, and all else only after a line of input: standard error cannot be full before that byte is here.
        const job = start('both');
        job.stderr.pause();
        let first = null;
        while ((first = job.stdout.read()) === null)
            await turn();
        job.stdin.end('\n');

        // Nobody reads standard error: not all of it can be here.
        const waiting = await client.status();
        assert.equal(waiting.jobs.length, 1);
        const [out, err] = await Promise.all([READERS['for await'](job.stdout), READERS['for await'](job.stderr)]);
        assert.deepEqual([first.length, out, err], [1, 8 * 1024 * 1024, 8 * 1024 * 1024]);
    });
});

describe('the end of a call', () => {
    test('leaving the loop cancels the job', async () => {
        const job = start('endless-zeros');
        job.stderr.resume();
        for await (const _ of job.stdout)
            break;
        await assert.rejects(job.result, client.AbortError);
        for await (const _ of lines('endless-lines'))
            break;
        await noJob();
    });

    test('cancel() and a signal cancel the job', async () => {
        const job = start('endless-zeros');
        job.stderr.resume();
        job.stdout.once('data', () => job.cancel());
        await assert.rejects(job.result, { name: 'AbortError', code: 'ABORT_ERR' });
        job.cancel();

        const abort = new AbortController(), reason = new Error('why');
        const running = run('endless-zeros', { maxBuffer: 2 ** 40, signal: abort.signal });
        abort.abort(reason);
        await assert.rejects(running, { name: 'AbortError', cause: reason });
        await assert.rejects(run('id', { signal: abort.signal }), { name: 'AbortError', cause: reason });
        await noJob();
    });

    test('an error that a program hears through the result does not end the program', async () => {
        await lying(frame(1, 'some'), async (_, options) => {
            await assert.rejects(start('id', options).result, client.ReplyCutShortError);
            const job = start('id', options);
            await assert.rejects(pipeline(job.stdout, new PassThrough()), client.ReplyCutShortError);
        });
        await turn();
    });

    test('an input that is given up is not taken for the whole', async () => {
        const job = start('cat');
        job.stdin.write('half of it');
        job.stdin.destroy(new Error('no more'));
        await assert.rejects(job.result, client.InputError);
        const other = start('cat');
        await assert.rejects(pipeline(Readable.from(failing()), other.stdin), /no more/);
        await assert.rejects(other.result, client.InputError);
        await noJob();
    });

    test('a source is closed when the job reads no more', async () => {
        let isClosed = false;
        function* endless() {
            try {
                for (;;)
                    yield 'x'.repeat(10_000);
            } finally {
                isClosed = true;
            }
        }

        assert.match((await run('id', { input: endless() })).stdout, /^uid=/);
        assert.ok(isClosed);

        const stuck = new Readable({ read() {} });
        assert.match((await run('id', { input: stuck })).stdout, /^uid=/);
        assert.ok(stuck.destroyed);
    });
});

async function* failing() {
    yield 'half of it';
    throw new Error('no more');
}

describe('input', () => {
    const bytes = Buffer.from('Grüße\n');
    const inputs = {
        string: 'Grüße\n',
        Buffer: bytes,
        Uint8Array: new Uint8Array(bytes),
        'part of an ArrayBuffer': new DataView(Uint8Array.from([0, ...bytes, 0]).buffer, 1, bytes.length),
        ArrayBuffer: Uint8Array.from(bytes).buffer,
        'list of pieces': ['Grü', Buffer.from('ße'), '', '\n'],
        'stream of bytes': Readable.from([bytes]),
        'stream of text': Readable.from(['Grüße', '\n']),
        'web stream': new Blob([bytes]).stream(),
        'asynchronous generator': (async function* () {
            yield 'Grüße';
            await turn();
            yield '\n';
        })(),
    };
    for (const [name, input] of Object.entries(inputs)) {
        test(name, async () => {
            assert.equal((await run('cat', { input })).stdout, 'Grüße\n');
        });
    }

    test('none', async () => {
        assert.equal((await run('cat')).stdout, '');
        assert.equal((await run('cat', { input: '' })).stdout, '');
        assert.equal((await run('cat', { input: null })).stdout, '');
    });

    test('what is not an input is refused, or fails', async () => {
        await assert.rejects(run('cat', { input: 7 }), client.RequestError);
        await assert.rejects(run('cat', { input: {} }), client.RequestError);
        await assert.rejects(run('cat', { input: [7] }), client.InputError);
        await assert.rejects(run('cat', { input: failing() }), client.InputError);
    });

    test('64 MiB at once', async () => {
        const input = Buffer.alloc(64 * 1024 * 1024, 'pipeforkas');
        const { stdout } = await run('cat', { input, encoding: 'buffer', maxBuffer: input.length });
        assert.equal(createHash('sha1').update(stdout).digest('hex'), createHash('sha1').update(input).digest('hex'));
    });
});

describe('lines', () => {
    const all = async (...given) => {
        const found = [];
        for await (const line of lines(...given))
            found.push(line);
        return found;
    };

    test('of all endings', async () => {
        assert.deepEqual(await all('cat', { input: 'a\r\n\nü\rb\n\r\nlast' }), ['a', '', 'ü\rb', '', 'last']);
        assert.deepEqual(await all('cat'), []);
    });

    test('up to a length', async () => {
        assert.deepEqual(await all('cat', { input: 'four\r\nfour', maxBuffer: 4 }), ['four', 'four']);
        await assert.rejects(all('cat', { input: 'fifth\n', maxBuffer: 4 }), client.OutputTooLargeError);
        await assert.rejects(all('cat', { input: 'fifth', maxBuffer: 4 }), client.OutputTooLargeError);
        await assert.rejects(all('endless-zeros'), client.OutputTooLargeError);
        await noJob();
    });

    test('of a job that fails', async () => {
        await assert.rejects(all('fail-late'), { name: 'JobFailedError', exit: 7 });
    });
});

describe('options', () => {
    test('those that do not exist are refused, and so are values that JSON cannot have', async () => {
        await assert.rejects(run('id', { usr: 'alice' }), client.RequestError);
        await assert.rejects(run('id', 'alice'), client.RequestError);
        await assert.rejects(run('id', { args: new Map([['a', 1]]) }), client.RequestError);
        await assert.rejects(run('id', { args: [1] }), client.RequestError);
        await assert.rejects(run('id', { args: { number: 1n } }), client.RequestError);
        await assert.rejects(run('id', { env: { LANG: 7 } }), client.RequestError);
        await assert.rejects(run('id', { timeout: Infinity }), client.RequestError);
        await assert.rejects(run('id', { encoding: 'utf-9' }), client.RequestError);
        await assert.rejects(run('id', { maxBuffer: -1 }), client.RequestError);
        await assert.rejects(run('cat', { args: { text: 'x'.repeat(65_536) } }), client.RequestError);
        await assert.rejects(run(undefined), client.RequestError);
        await assert.rejects(client.cancel(0), client.RequestError);
        await assert.rejects(client.list({ user: 'alice' }), client.RequestError);
        assert.throws(() => start('id', { stdin: 'x' }), client.RequestError);
    });

    test('both forms of the module are one', async () => {
        const required = createRequire(import.meta.url)('../../../src/clients/node/index.js');
        assert.deepEqual(Object.keys(required).sort(), Object.keys(client).filter(name => name !== 'default').sort());
        for (const name of Object.keys(required))
            assert.equal(required[name], client[name], name);
    });
});

describe('the socket', () => {
    const real = process.env.PIPEFORKAS_SOCKET;
    let folder;
    before(async () => {
        folder = await mkdtemp('/tmp/pipeforkas-node-');
    });
    after(async () => {
        await rm(folder, { recursive: true });
    });

    test('a link to it is followed', async () => {
        const link = path.join(folder, 'link');
        await symlink(real, link);
        assert.equal((await run('id', { socket: link })).code, 'ok');
    });

    test('it must be where only root can put one', async () => {
        await lying(frame(16, '{"code":"ok","exit":0}'), async (socket, options) => {
            assert.equal((await run('id', options)).code, 'ok');
            for (const mode of [0o777, 0o1777, 0o775, 0o757]) {
                await chmod(path.dirname(socket), mode);
                await assert.rejects(run('id', options), client.UntrustedDaemonError);
                assert.equal((await run('id', { socket, daemonUid: null })).code, 'ok');
            }

            await chmod(path.dirname(socket), 0o755);
            await assert.rejects(run('id', { socket, daemonUid: 65534 }), client.UntrustedDaemonError);
        });
    });

    test('a path that the kernel would cut is refused', async () => {
        const deep = path.join(folder, 'x'.repeat(100));
        await symlink(path.dirname(real), deep);
        assert.equal((await run('id', { socket: path.join(deep, path.basename(real)) })).code, 'ok');
        await assert.rejects(run('id', { socket: `/${'x'.repeat(200)}` }), client.ConnectionError);
        await assert.rejects(run('id', { socket: '/tmp/\0x' }), client.ConnectionError);
        await assert.rejects(run('id', { socket: path.join(folder, 'none') }), { name: 'ConnectionError', code: 'ENOENT' });
    });
});

/** A script in place of ssh, which notes its arguments and replies itself. */
const SSH = `#!/bin/sh
echo "$@" >>"\${0%/*}/arguments"
printf '%s' "$SSH_WORDS" >&2
[ -z "$SSH_STATUS" ] || exit "$SSH_STATUS"
printf '\\001\\000\\000\\000\\000\\000\\000\\005first'
[ -z "$SSH_CUT" ] || { echo broken pipe >&2; exit 255; }
read -r request
[ -z "$SSH_WAIT" ] || exec sleep 600
printf '\\020\\000\\000\\000\\000\\000\\000\\026{"code":"ok","exit":0}'
`;

describe('another host', () => {
    let folder;
    const formerPath = process.env.PATH;
    before(async () => {
        folder = await mkdtemp('/tmp/pipeforkas-test-');
        await writeFile(path.join(folder, 'ssh'), SSH, { mode: 0o755 });
    });
    after(async () => await rm(folder, { recursive: true }));
    beforeEach(() => {
        process.env.PATH = `${folder}:${formerPath}`;
    });
    afterEach(() => {
        process.env.PATH = formerPath;
        for (const name of ['SSH_STATUS', 'SSH_WORDS', 'SSH_CUT', 'SSH_WAIT', 'PIPEFORKAS_HOST'])
            delete process.env[name];
    });
    const lastArguments = async () => (await readFile(path.join(folder, 'arguments'), 'utf8')).trimEnd().split('\n').at(-1);

    test('ssh gets the host after two dashes and never asks', async () => {
        for (const [socket, words] of [
            ['ssh://host', '-T -e none -o BatchMode=yes -- host pipeforkas dial'],
            ['ssh://a@b@host:22', '-p 22 -l a@b -T -e none -o BatchMode=yes -- host pipeforkas dial'],
            ['ssh://[::1]/run/a.sock', '-T -e none -o BatchMode=yes -- ::1 pipeforkas dial --socket=/run/a.sock'],
        ]) {
            assert.equal((await run('id', { socket })).stdout, 'first');
            assert.equal(await lastArguments(), words);
        }

        process.env.PIPEFORKAS_HOST = 'alice@host';
        assert.equal((await run('id', { daemonUid: null })).stdout, 'first');
        assert.equal(await lastArguments(), '-l alice -T -e none -o BatchMode=yes -- host pipeforkas dial --daemon-uid=any');
    });

    test('what is not a host is refused before ssh starts', async () => {
        const started = await lastArguments();
        for (const host of [
            '-oProxyCommand=x', 'a@-x', '-l@h', '@h', 'a@', '', 'a b', 'h;id', 'a`id`@h', 'h\u001b[2J', 'h\n', 'h\u00f6st', 'h:0',
            'h:65536', 'h:+1', '::1', '[h]', '[::1]x', 'h/$(id)',
        ])
            await assert.rejects(run('id', { socket: `ssh://${host}` }), client.RequestError, host);
        assert.equal(await lastArguments(), started);
    });

    test('a failure says on which side it arose', async () => {
        process.env.SSH_WORDS = 'pipeforkas: why\u001b[2J\nthere';
        for (const [status, beginning] of [
            [255, 'ssh to h failed: why\\u001b[2J; there'], [127, 'there is no command pipeforkas on h: why'],
            [125, 'the command pipeforkas on h is too old'], [69, 'on h: why'], [77, 'on h: why'],
            [3, 'pipeforkas dial on h ended with status 3: why'],
        ]) {
            process.env.SSH_STATUS = String(status);
            await assert.rejects(run('id', { socket: 'ssh://h' }), failure => {
                assert(failure instanceof client.RemoteHostError);
                assert.equal(failure.exit, status);
                assert(failure.message.startsWith(beginning), failure.message);
                return true;
            });
        }
    });

    test('a reply that is cut short has the words of ssh', async () => {
        process.env.SSH_CUT = '1';
        await assert.rejects(run('id', { socket: 'ssh://h' }), /after 13 bytes.*; ssh to h failed: broken pipe$/);
    });

    test('a machine without ssh says so', async () => {
        process.env.PATH = '/nowhere';
        await assert.rejects(run('id', { socket: 'ssh://h' }), /install openssh-client/);
    });

    test('a host has a bounded number of sessions, and a cancelled job frees one', async () => {
        process.env.SSH_WAIT = '1';
        const abort = new AbortController();
        const jobs = Array.from({ length: 9 }, () => start('id', { socket: 'ssh://bounded', signal: abort.signal }));
        const results = jobs.map(job => job.result.catch(failure => failure));
        const first = jobs.map(job => new Promise(resolve => job.stdout.once('data', () => resolve('first'))));
        await Promise.all(first.slice(0, 8));
        assert.equal(await Promise.race([first[8], new Promise(resolve => setTimeout(resolve, 300, 'waits'))]), 'waits');
        jobs[0].cancel();
        assert.equal(await first[8], 'first');
        abort.abort();
        assert((await Promise.all(results)).every(failure => failure instanceof client.AbortError));
    });
});
