'use strict';

const { RequestError } = require('./errors.js');

const MAX_REQUEST_BYTES = 64 * 1024;

/** The options that say how to reach the daemon. */
const CONNECTION_OPTIONS = ['socket', 'daemonUid', 'signal'];

/** The options that are members of the request. */
const MEMBERS = ['user', 'args', 'env', 'timeout', 'ticket'];

/**
 * Checks that an object has only options that exist: a misspelled `user` would run the job as somebody else.
 * @param {object | undefined} options
 * @param {string[]} known
 */
function checkOptions(options, known) {
    if (options === undefined)
        return {};
    if (!isObject(options))
        throw new RequestError('the options must be an object');
    const unknown = Object.keys(options).find(name => !known.includes(name));
    if (unknown !== undefined)
        throw new RequestError(`there is no option ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
    return options;
}

/** Returns a request as the line to send. The daemon checks what the members mean; this checks that the line has them as they are. */
function toLine(request) {
    check(request);
    let json;
    try {
        json = JSON.stringify({ ...request, reply: 'frames' });
    } catch (failure) {
        throw new RequestError(`the request cannot be written as JSON: ${failure.message}`, failure);
    }

    const line = Buffer.from(`${json}\n`);
    if (line.length > MAX_REQUEST_BYTES) {
        throw new RequestError(
            `the request has ${line.length} bytes, at most ${MAX_REQUEST_BYTES} are allowed; send large data as the input of the job`);
    }

    return line;
}

function check({ op = 'run', job, user, caller, args, env, timeout, id, ticket }) {
    if (['run', 'describe', 'check'].includes(op) && typeof job !== 'string')
        throw new RequestError('"job" must be a string');
    for (const [name, value] of [['user', user], ['caller', caller]]) {
        if (value !== undefined && typeof value !== 'string' && !isUid(value))
            throw new RequestError(`"${name}" must be the name of a user, or a uid`);
    }

    if (args !== undefined && !isDictionary(args))
        throw new RequestError('"args" must be an object');
    if (env !== undefined && !isDictionary(env))
        throw new RequestError('"env" must be an object of strings');
    for (const [name, value] of Object.entries(env ?? {})) {
        if (typeof value !== 'string')
            throw new RequestError(`"env": the value of ${JSON.stringify(name)} must be a string`);
    }

    // JSON has no infinity: JSON.stringify writes null.
    if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && Number.isFinite(timeout)))
        throw new RequestError('"timeout" must be a number of seconds over 0');
    if (op === 'sign-in' && (typeof user !== 'string' || /^[0-9]*$/.test(user)))
        throw new RequestError('"user" must be the name of a user');
    if ((ticket !== undefined || op === 'sign-out') && !isTicket(ticket))
        throw new RequestError('"ticket" must be the 43 characters that signIn returned');
    if (op === 'cancel' && !(Number.isSafeInteger(id) && id > 0))
        throw new RequestError('"id" must be that of a job that runs, a number of 1 or over; status tells it');
}

function isObject(value) {
    return typeof value === 'object' && value !== null;
}

/** Whether JSON.stringify writes an object with the members of the value: it writes a Map as {}. */
function isDictionary(value) {
    return isObject(value) && !Array.isArray(value) && !(value instanceof Map) && !(value instanceof Set)
        && typeof value.toJSON !== 'function';
}

function isTicket(value) {
    return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
}

function isUid(value) {
    return Number.isInteger(value) && value >= 0 && value < 0xffffffff;
}

module.exports = { CONNECTION_OPTIONS, MEMBERS, checkOptions, isObject, isTicket, isUid, toLine };
