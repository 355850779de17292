'use strict';

const { Readable } = require('node:stream');
const { isAnyArrayBuffer, isArrayBufferView } = require('node:util').types;

const { RequestError } = require('./errors.js');
const { isObject } = require('./request.js');

/** Pieces of this length at most: the kernel takes a piece before the next one is read. */
const PIECE_SIZE = 64 * 1024;

/** The input of a job: an iterator of pieces, and what closes it before its end. */
class Source {
    #close;

    constructor(iterator, close) {
        this.iterator = iterator;
        this.#close = close;
    }

    /** Nobody waits for what the source says of its end. */
    close() {
        try {
            Promise.resolve(this.#close()).catch(() => {});
        } catch {
            // The same, from a source that is not asynchronous.
        }
    }
}

/**
 * Returns the input of a job, and null for none.
 * @param {unknown} input
 * @returns {Source | null}
 */
function toSource(input) {
    if (input === undefined || input === null)
        return null;
    if (typeof input === 'string' || isArrayBufferView(input) || isAnyArrayBuffer(input))
        return new Source(pieces(toBytes(input)), () => {});
    if (isObject(input)) {
        const iterate = input[Symbol.asyncIterator] ?? input[Symbol.iterator];
        if (typeof iterate === 'function') {
            const iterator = iterate.call(input);

            // An iterator that waits for its next piece returns only after that; a stream can be closed at once.
            return new Source(iterator, () => (input instanceof Readable ? input.destroy() : iterator.return?.()));
        }
    }

    throw new RequestError('"input" must be a string, bytes, a stream that can be read, or an iterable of strings or bytes');
}

function* pieces(bytes) {
    for (let start = 0; start < bytes.length; start += PIECE_SIZE)
        yield bytes.subarray(start, start + PIECE_SIZE);
}

function toBytes(value) {
    if (typeof value === 'string')
        return Buffer.from(value, 'utf8');
    if (isArrayBufferView(value))
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (isAnyArrayBuffer(value))
        return Buffer.from(value);
    throw new TypeError('the input has a piece that is neither a string nor bytes');
}

/**
 * Sends an input, and ends it. Returns a function that stops it: it reads no more, and closes the source as `break` in a loop does.
 * @param {Source | null} source
 * @param {import('./exchange.js').Exchange} exchange
 * @param {(failure: unknown) => void} onFailure
 */
function pump(source, exchange, onFailure) {
    let isStopped = false;
    if (source === null)
        exchange.end(() => {});
    else
        send();

    async function send() {
        try {
            for (;;) {
                const { done, value } = await source.iterator.next();
                if (isStopped)
                    return;
                if (done)
                    break;
                for (const piece of pieces(toBytes(value)))
                    await new Promise(taken => exchange.write(piece, taken));
                if (isStopped)
                    return;
            }

            exchange.end(() => {});
        } catch (failure) {
            if (isStopped)
                return;
            source.close();
            onFailure(failure);
        }
    }

    return () => {
        if (isStopped || source === null)
            return;
        isStopped = true;
        source.close();
    };
}

module.exports = { pump, toSource };
