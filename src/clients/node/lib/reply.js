'use strict';

const { ProtocolViolationError } = require('./errors.js');
const { GrowingBuffer } = require('./growing-buffer.js');
const { readJson } = require('./json.js');

const HEADER_SIZE = 8;
const STDOUT = 1;
const STDERR = 2;
const END = 16;

/** The longest frame of output in bytes that a daemon may announce. */
const MAX_FRAME = 16 * 1024 * 1024;

/** The longest end record in bytes that this client reads. Its longest part is the message of an exception. */
const MAX_END = 1024 * 1024;

const CODES = new Set([
    'ok', 'failed', 'signaled', 'error', 'timeout', 'cancelled', 'output-limit', 'bad-request', 'too-large', 'unknown-job', 'unknown-user',
    'bad-args', 'denied', 'busy', 'host-lost', 'shutting-down', 'internal',
]);

/**
 * Finds the frames in a reply, however the socket splits it, and checks its rules: known types, lengths within the limit, the end record
 * once and last. Passes output on as it arrives; keeps only the end record.
 */
class ReplyParser {
    #header = Buffer.alloc(HEADER_SIZE);
    #headerLength = 0;
    #type = 0;
    #remaining = 0;
    #endRecord = new GrowingBuffer(MAX_END);

    /** The number of bytes taken so far. */
    position = 0;

    /** How the request ended; null until the end record is complete. */
    end = null;

    /**
     * Takes bytes. Returns the pieces of both outputs in them, each null for none: in one piece each, since a reply can have a frame for
     * each byte.
     * @param {Buffer} bytes
     */
    take(bytes) {
        const stdout = [], stderr = [];
        let rest = bytes;
        while (rest.length > 0) {
            if (this.end !== null)
                throw new ProtocolViolationError(this.position, 'bytes follow the end record, which comes last');
            if (this.#headerLength < HEADER_SIZE) {
                rest = this.#takeHeader(rest);
                continue;
            }

            const piece = rest.subarray(0, this.#remaining);
            rest = rest.subarray(piece.length);
            this.position += piece.length;
            this.#remaining -= piece.length;
            if (this.#type === END)
                this.#endRecord.add(piece);
            else
                (this.#type === STDOUT ? stdout : stderr).push(piece);
            this.#finishFrame();
        }

        return { stdout: join(stdout), stderr: join(stderr) };
    }

    #takeHeader(bytes) {
        const piece = bytes.subarray(0, HEADER_SIZE - this.#headerLength);
        piece.copy(this.#header, this.#headerLength);
        this.#headerLength += piece.length;
        this.position += piece.length;
        if (this.#headerLength === HEADER_SIZE)
            this.#readHeader();
        return bytes.subarray(piece.length);
    }

    #readHeader() {
        const type = this.#header.readUInt32BE(0), length = this.#header.readUInt32BE(4);
        this.#type = type >>> 24;
        if ((type & 0xffffff) !== 0 || ![STDOUT, STDERR, END].includes(this.#type)) {
            const shown = type.toString(16).padStart(8, '0');
            throw this.#violation(HEADER_SIZE, `a frame begins with 0x${shown}, which is no type of this protocol`);
        }

        const most = this.#type === END ? MAX_END : MAX_FRAME;
        if (length > most)
            throw this.#violation(HEADER_SIZE, `a frame announces ${length} bytes, at most ${most} are allowed`);
        this.#remaining = length;
        this.#finishFrame();
    }

    #finishFrame() {
        if (this.#remaining > 0)
            return;
        this.#headerLength = 0;
        if (this.#type === END)
            this.end = this.#readEnd();
    }

    #readEnd() {
        const json = this.#endRecord.bytes();
        let record;
        try {
            record = readJson(json);
        } catch (failure) {
            throw this.#violation(json.length, 'the end record is not JSON', failure);
        }

        this.#endRecord.clear();
        const problem = problemOf(record);
        if (problem !== null)
            throw this.#violation(json.length, `the end record is wrong: ${problem}`);
        return toResult(record);
    }

    #violation(back, problem, cause) {
        return new ProtocolViolationError(this.position - back, problem, cause);
    }
}

function join(pieces) {
    switch (pieces.length) {
        case 0:
            return null;
        case 1:
            return pieces[0];
        default:
            return Buffer.concat(pieces);
    }
}

const isText = value => typeof value === 'string';
const isCount = value => Number.isSafeInteger(value) && value >= 0;
const isAmount = value => Number.isFinite(value) && value >= 0;
const isBetween = (least, most) => value => Number.isInteger(value) && value >= least && value <= most;
const isErrno = isBetween(-0x80000000, 0x7fffffff);

/** What each member of an end record must be if it is there and not null. A newer daemon may send more members. */
const RULES = {
    exit: isBetween(0, 255),
    signal: isBetween(1, 64),
    message: isText,
    job: isText,
    user: isText,
    uid: isBetween(0, 0xffffffff),
    pid: isBetween(1, 0x7fffffff),
    stdout: isCount,
    stderr: isCount,
    seconds: isAmount,
    cpu: isAmount,
    maxrss: isCount,
    error: value => isRecord(value) && isText(value.type) && isText(value.message)
        && (value.errno === undefined || value.errno === null || isErrno(value.errno)),
};

function isRecord(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(record) {
    if (!isRecord(record))
        return 'it is not an object';
    if (!CODES.has(record.code))
        return 'it has no "code" of this protocol';
    for (const [name, isRight] of Object.entries(RULES)) {
        const value = Object.hasOwn(record, name) ? record[name] : null;
        if (value !== null && !isRight(value))
            return `its "${name}" is not what it must be`;
    }

    return isContradiction(record) ? 'its "exit" or "signal" does not fit its "code"' : null;
}

/** Whether a program could take a failure for a success, or has no reason of a failure. A refused operation has no "exit". */
function isContradiction(record) {
    const exit = record.exit ?? null, signal = record.signal ?? null;
    switch (record.code) {
        case 'ok':
            return (exit ?? 0) !== 0 || signal !== null;
        case 'failed':
            return exit === 0 || signal !== null;
        case 'signaled':
            return exit !== null || signal === null;
        default:
            return false;
    }
}

function toResult(record) {
    return {
        code: record.code,
        exit: record.exit ?? null,
        signal: record.signal ?? null,
        message: record.message ?? null,
        error: record.error
            ? { type: record.error.type, message: record.error.message, errno: record.error.errno ?? null }
            : null,
        job: record.job ?? null,
        user: record.user ?? null,
        uid: record.uid ?? null,
        pid: record.pid ?? null,
        stdoutBytes: record.stdout ?? 0,
        stderrBytes: record.stderr ?? 0,
        seconds: record.seconds ?? 0,
        cpu: record.cpu ?? null,
        maxrss: record.maxrss ?? null,
    };
}

module.exports = { ReplyParser };
