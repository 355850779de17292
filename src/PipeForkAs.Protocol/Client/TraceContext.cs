using System.Buffers;

namespace PipeForkAs.Protocol.Client;

/// <summary>Checks the values of W3C Trace Context (https://www.w3.org/TR/trace-context/), which connect a job to the trace of its caller.
/// </summary>
public static class TraceContext
{
    /// <summary>The variable in which a job finds the <c>traceparent</c> of its request.</summary>
    public const string ParentVariable = "TRACEPARENT";

    /// <summary>The variable in which a job finds the <c>tracestate</c> of its request.</summary>
    public const string StateVariable = "TRACESTATE";

    /// <summary>The longest <c>tracestate</c>, in characters; section 3.3.1.5 recommends to pass on at least so many.</summary>
    public const int LongestState = 512;

    /// <summary>What a <c>traceparent</c> must be, for messages.</summary>
    public const string ParentRule =
        "a traceparent of W3C Trace Context, version 00: 00-, 32 hexadecimal digits, -, 16, -, 2, in lower case; neither id all zeros";

    /// <summary>What a <c>tracestate</c> must be, for messages.</summary>
    public const string StateRule =
        "a tracestate of W3C Trace Context: at most 32 members key=value with commas between them, no key twice, at most 512 characters";

    private const int TraceIdAt = 3, TraceIdLength = 32, SpanIdAt = 36, SpanIdLength = 16, ParentLength = 55;
    private const int MostMembers = 32, LongestKey = 256, LongestValue = 256;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private static readonly SearchValues<char> KeyBeginnings = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-*/@");

    /// <summary>
    /// Decides whether a text is a valid <c>traceparent</c> of version 00 (section 3.2). Later versions are refused, because nothing says
    /// yet what they contain.
    /// </summary>
    public static bool IsParent(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == ParentLength
            && text.StartsWith("00-", StringComparison.Ordinal)
            && IsId(text.AsSpan(TraceIdAt, TraceIdLength)) && text[TraceIdAt + TraceIdLength] == '-'
            && IsId(text.AsSpan(SpanIdAt, SpanIdLength)) && text[SpanIdAt + SpanIdLength] == '-'
            && !text.AsSpan(ParentLength - 2).ContainsAnyExcept(HexDigits);
    }

    /// <summary>Decides whether a text is a valid <c>tracestate</c> (section 3.3.1).</summary>
    public static bool IsState(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > LongestState)
            return false;
        HashSet<string> keys = new(StringComparer.Ordinal);
        ReadOnlySpan<char> rest = text;
        bool isLast = false;
        for (int members = 1; !isLast; members++)
        {
            if (members > MostMembers)
                return false;
            int comma = rest.IndexOf(',');
            isLast = comma < 0;
            ReadOnlySpan<char> member = (isLast ? rest : rest[..comma]).Trim(" \t");
            rest = rest[(comma + 1)..];
            if (member.IsEmpty)
                continue;
            int equals = member.IndexOf('=');
            if (equals < 0 || !IsKey(member[..equals]) || !IsValue(member[(equals + 1)..]) || !keys.Add(member[..equals].ToString()))
                return false;
        }

        return true;
    }

    /// <summary>Returns the trace id of a valid <c>traceparent</c>: 32 hexadecimal digits.</summary>
    public static string TraceId(string parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return parent.Substring(TraceIdAt, TraceIdLength);
    }

    private static bool IsId(ReadOnlySpan<char> digits) => !digits.ContainsAnyExcept(HexDigits) && digits.ContainsAnyExcept('0');

    private static bool IsKey(ReadOnlySpan<char> key) =>
        key.Length is > 0 and <= LongestKey && KeyBeginnings.Contains(key[0]) && !key.ContainsAnyExcept(KeyCharacters);

    /// <summary>Spaces at the end of a value belong to the space around the member, which is removed before.</summary>
    private static bool IsValue(ReadOnlySpan<char> value) =>
        value.Length is > 0 and <= LongestValue && !value.ContainsAnyExceptInRange(' ', '~') && !value.Contains('=');
}
