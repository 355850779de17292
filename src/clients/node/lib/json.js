'use strict';

/** A reply of this protocol is a few levels deep. JSON.parse() has no limit, but what works on its result has: JSON.stringify(), copies. */
const MAX_DEPTH = 128;

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * Reads JSON of an untrusted sender; throws an error if it is not JSON in UTF-8, or nested too deep.
 * @param {Buffer} json
 */
function readJson(json) {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    checkDepth(json);
    return JSON.parse(text);
}

/** Counts what is open. In UTF-8 no byte of another character equals one of these. */
function checkDepth(json) {
    let depth = 0, isInText = false;
    for (let position = 0; position < json.length; position++) {
        switch (json[position]) {
            case QUOTE:
                isInText = !isInText;
                break;
            case BACKSLASH:
                position++;
                break;
            case OPEN_LIST:
            case OPEN_OBJECT:
                if (!isInText && ++depth > MAX_DEPTH)
                    throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`);
                break;
            case CLOSE_LIST:
            case CLOSE_OBJECT:
                if (!isInText)
                    depth--;
                break;
        }
    }
}

module.exports = { readJson };
