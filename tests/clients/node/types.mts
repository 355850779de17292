// What a compiler of TypeScript must take, and, after @ts-expect-error, what it must not. TypeScriptTests.cs compiles it.
import * as client from 'pipeforkas';
import { Readable, Writable } from 'node:stream';
import type {
    CheckResult, ConnectionOptions, DaemonStatus, InputPiece, Job, JobDescription, JobError, JobInput, JobResult, ReplyCode, RunResult,
} from 'pipeforkas';

/** Whether two types are the same, not only assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function expectSame<A, B>(same: Same<A, B>): void {
    void same;
}

async function outputs(): Promise<void> {
    expectSame<Awaited<ReturnType<typeof client.status>>, DaemonStatus>(true);
    const text = await client.run('id');
    expectSame<typeof text, RunResult<string>>(true);
    const latin = await client.run('id', { encoding: 'latin1' });
    expectSame<typeof latin.stdout, string>(true);
    const bytes = await client.run('id', { encoding: 'buffer' });
    expectSame<typeof bytes.stdout, Buffer>(true);
    const chosen = await client.run('id', { encoding: 'buffer' as BufferEncoding | 'buffer' });
    expectSame<typeof chosen.stderr, string | Buffer>(true);
    expectSame<typeof text.code, ReplyCode>(true);
    expectSame<typeof text.error, JobError | null>(true);
    const exit: number = (text.exit ?? 0) + (text.signal ?? 0) + text.seconds + (text.cpu ?? 0) + text.stdoutBytes;
    void exit;
    // @ts-expect-error An exit code can be null.
    const certain: number = text.exit;
    void certain;
    // @ts-expect-error A code that does not exist.
    void (text.code === 'okay');
}

async function requests(): Promise<void> {
    const failure: client.PipeForkAsError = null as unknown as client.RemoteHostError;
    expectSame<client.RemoteHostError['exit'], number | null>(true);
    void failure;
    const connection: ConnectionOptions = { socket: '/run/x', daemonUid: null, signal: AbortSignal.timeout(1000) };
    const limits = { timeout: 1.5, maxBuffer: 1 };
    await client.run('id', { user: 'alice', args: { path: '.' }, env: { LANG: 'C' }, check: false, ...limits, ...connection });
    await client.run('id', { user: 1000, input: null });
    // @ts-expect-error A misspelled option would run the job as somebody else.
    await client.run('id', { usr: 'alice' });
    // @ts-expect-error Arguments are an object.
    await client.run('id', { args: 'path' });
    // @ts-expect-error Variables are text.
    await client.run('id', { env: { LANG: 7 } });
    // @ts-expect-error Lines have no encoding.
    client.lines('id', { encoding: 'latin1' });
    // @ts-expect-error The job is missing.
    await client.run();
    // @ts-expect-error A list needs no user.
    await client.list({ user: 'alice' });
}

async function inputs(): Promise<void> {
    async function* pieces(): AsyncGenerator<InputPiece> {
        yield 'text';
        yield Buffer.from('bytes');
        yield new Uint8Array(1);
        yield new ArrayBuffer(1);
    }

    const lists: JobInput[] = [['a', Buffer.alloc(1)], new Set(['a'])];
    const all: JobInput[] = ['text', Buffer.alloc(1), new Uint16Array(1), pieces(), Readable.from(['a']), ...lists];
    for (const input of all)
        await client.run('cat', { input });
    // @ts-expect-error A number is not an input.
    await client.run('cat', { input: 7 });
}

async function streams(): Promise<void> {
    const job = client.start('cat');
    expectSame<typeof job.stdin, Writable>(true);
    job.stdin.end('x');
    const fed: Job = client.start('cat', { input: 'x' });
    // @ts-expect-error There is no stream to write to where there is an input.
    fed.stdin.end();
    const result: JobResult = await job.result;
    void result;
    job.stdout.pipe(job.stderr.resume() && process.stdout);
    job.cancel();
    for await (const line of client.lines('cat', { input: 'x', maxBuffer: 10 }))
        line.trim();
}

async function operations(): Promise<void> {
    const jobs: JobDescription[] = await client.list();
    const described: JobDescription = await client.describe(jobs[0]?.name ?? 'id', { socket: '/run/x' });
    const checked: CheckResult = await client.check('id', { user: 'alice', caller: 33 });
    const status: DaemonStatus = await client.status();
    await client.cancel(status.jobs[0]?.id ?? 1);
    void [described.kind === 'typed', checked.allowed, status.codes['output-limit'], described['sandbox']];
    // @ts-expect-error An id is a number.
    await client.cancel('1');
}

function errors(failure: unknown): string {
    if (failure instanceof client.JobFailedError)
        return `${failure.code} ${failure.exit} ${failure.errorType} ${failure.result.message} ${failure.stdout?.length}`;
    if (failure instanceof client.RequestRefusedError)
        return failure.result.code;
    if (failure instanceof client.ConnectionError || failure instanceof client.UntrustedDaemonError)
        return failure.path;
    if (failure instanceof client.ReplyCutShortError)
        return failure.received.toFixed();
    if (failure instanceof client.ProtocolViolationError)
        return failure.position.toFixed();
    if (failure instanceof client.OutputTooLargeError)
        return failure.maxBuffer.toFixed();
    if (failure instanceof client.AbortError) {
        const code: 'ABORT_ERR' = failure.code;
        return code;
    }

    if (failure instanceof client.InputError || failure instanceof client.RequestError)
        return String(failure.cause);
    return failure instanceof client.PipeForkAsError ? failure.code : '';
}

void [outputs, requests, inputs, streams, operations, errors];
