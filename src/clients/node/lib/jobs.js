'use strict';

const { InputError, JobFailedError, OutputTooLargeError, RequestError } = require('./errors.js');
const { Exchange } = require('./exchange.js');
const { GrowingBuffer } = require('./growing-buffer.js');
const { pump, toSource } = require('./input.js');
const { Job } = require('./job.js');
const { CONNECTION_OPTIONS, MEMBERS, checkOptions, toLine } = require('./request.js');

const JOB_OPTIONS = [...MEMBERS, ...CONNECTION_OPTIONS, 'input', 'check', 'encoding'];

/** The most bytes to keep of each output: 16 MiB. */
const DEFAULT_MAX_BUFFER = 16 * 1024 * 1024;

/** The longest line that `lines` gives: 1 MiB. */
const DEFAULT_MAX_LINE = 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;

async function run(job, options) {
    const {
        user, args, env, timeout, ticket, input, check = true, encoding = 'utf8', maxBuffer, ...connection
    } = checkOptions(options, [...JOB_OPTIONS, 'maxBuffer']);
    const decode = decoder(encoding);
    const result = await capture({ job, user, args, env, timeout, ticket }, connection, input, maxBuffer);
    const decoded = { ...result, stdout: decode(result.stdout), stderr: decode(result.stderr) };
    if (check && result.code !== 'ok')
        throw new JobFailedError(decoded, result.stderr);
    return decoded;
}

function start(job, options) {
    const { user, args, env, timeout, ticket, input, check = true, encoding, ...connection } = checkOptions(options, JOB_OPTIONS);
    if (encoding !== undefined)
        decoder(encoding);
    const line = toLine({ job, user, args, env, timeout, ticket });
    return new Job(line, connection, toSource(input), check, encoding === 'buffer' ? undefined : encoding);
}

async function* lines(job, options) {
    const { maxBuffer = DEFAULT_MAX_LINE, ...others } = checkOptions(options, [...JOB_OPTIONS, 'maxBuffer'].filter(isNotEncoding));
    checkMaxBuffer(maxBuffer);
    const running = start(job, others);

    // Without a reader the job would wait.
    running.stderr.resume();
    if (running.stdin !== null)
        running.stdin.end();
    const line = new GrowingBuffer(maxBuffer + 1);
    for await (const piece of running.stdout) {
        let rest = piece;
        for (let end; (end = rest.indexOf(NEWLINE)) >= 0; rest = rest.subarray(end + 1)) {
            yield toText(line, rest.subarray(0, end), true, maxBuffer);
            line.clear();
        }

        if (!line.add(rest))
            throw tooLong(maxBuffer);
    }

    if (line.length > 0)
        yield toText(line, Buffer.alloc(0), false, maxBuffer);
}

const isNotEncoding = name => name !== 'encoding';

function toText(line, rest, isEnded, maxBuffer) {
    if (!line.add(rest))
        throw tooLong(maxBuffer);
    let bytes = line.bytes();
    if (isEnded && bytes[bytes.length - 1] === RETURN)
        bytes = bytes.subarray(0, -1);
    if (bytes.length > maxBuffer)
        throw tooLong(maxBuffer);
    return bytes.toString('utf8');
}

function tooLong(maxBuffer) {
    return new OutputTooLargeError(`a line of more than ${maxBuffer} bytes to its standard output`, maxBuffer);
}

/** Sends a request and keeps both outputs, as bytes. */
async function capture(request, connection, input, maxBuffer = DEFAULT_MAX_BUFFER) {
    checkMaxBuffer(maxBuffer);
    const line = toLine(request), source = toSource(input);
    return await new Promise((resolve, reject) => {
        const stdout = new GrowingBuffer(maxBuffer), stderr = new GrowingBuffer(maxBuffer);
        const keep = (output, name) => piece => {
            if (!output.add(piece))
                throw new OutputTooLargeError(`more than ${maxBuffer} bytes to its ${name}`, maxBuffer);
        };
        let stopInput = () => {};
        const exchange = new Exchange(line, connection, {
            stdout: keep(stdout, 'standard output'),
            stderr: keep(stderr, 'standard error'),
            hasRoom: () => true,
            inputGone: () => stopInput(),
            done: result => {
                stopInput();
                resolve({ ...result, stdout: stdout.bytes(), stderr: stderr.bytes() });
            },
            failed: failure => {
                stopInput();
                reject(failure);
            },
        });
        stopInput = pump(source, exchange, failure => exchange.fail(new InputError(failure)));
    });
}

function checkMaxBuffer(maxBuffer) {
    if (!Number.isSafeInteger(maxBuffer) || maxBuffer < 0)
        throw new RequestError('"maxBuffer" must be a number of bytes');
}

function decoder(encoding) {
    if (encoding === 'buffer')
        return bytes => bytes;
    if (!Buffer.isEncoding(encoding))
        throw new RequestError(`there is no encoding ${JSON.stringify(encoding)}; 'buffer' gives bytes`);
    return bytes => bytes.toString(encoding);
}

module.exports = { capture, lines, run, start };
