using System.Globalization;
using System.Text;
using System.Text.Json;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Writes and reads the usual request and the usual end record without the serializer, whose types cost a short-lived process half
/// a millisecond. Handles only text without characters that JSON escapes; the serializer handles everything else, and defines the result.
/// </summary>
internal static class PlainJson
{
    /// <summary>The longest text of a number: a double has at most 17 digits, a sign, a point and an exponent.</summary>
    private const int NumberBytes = 32;

    /// <summary>Writes a valid request as a line. Returns false if the request has arguments, text that JSON escapes, or is too long.
    /// </summary>
    public static bool TryWriteLine(Request request, out byte[] line)
    {
        line = [];
        if (request.Arguments is not null || request.Caller is not null || request.Id is not null || request.Ticket is not null
            || request.Operation > Operation.Describe)
            return false;

        Span<byte> buffer = stackalloc byte[1024];
        Writer writer = new(buffer);
        if (request.Operation != Operation.Run)
            writer.Member("op"u8, request.Operation == Operation.List ? "list" : "describe");
        if (request.Job is not null)
            writer.Member("job"u8, request.Job);
        if (request.User is not null)
            writer.Member("user"u8, request.User);
        if (request.Environment is { } environment)
            writer.Member("env"u8, environment);
        if (request.Timeout is { } seconds)
            writer.Member("timeout"u8, seconds);
        if (request.TraceParent is not null)
            writer.Member("traceparent"u8, request.TraceParent);
        if (request.TraceState is not null)
            writer.Member("tracestate"u8, request.TraceState);
        if (request.Reply == ReplyForm.Frames)
            writer.Member("reply"u8, "frames");
        return writer.TryFinish(out line);
    }

    /// <summary>Reads an end record; null if the serializer must read it.</summary>
    public static EndRecord? ReadEnd(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? ReadMembers(ref reader) : null;
        }
        catch (Exception unusual) when (unusual is JsonException or InvalidOperationException or FormatException)
        {
            // The serializer throws too, with the path of the fault. The others stand for a value of another type and for text that is not
            // UTF-8.
            return null;
        }
    }

    private static EndRecord? ReadMembers(ref Utf8JsonReader reader)
    {
        ReplyCode? code = null;
        string? message = null, job = null, user = null;
        int? exit = null, signal = null, pid = null;
        uint? uid = null;
        long standardOutput = 0, standardError = 0;
        long? maxResidentBytes = null;
        double seconds = 0;
        double? cpu = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // The names are compared here, before the next read, which the member's value needs.
            int name = Index(ref reader);
            reader.Read();
            bool isNull = reader.TokenType == JsonTokenType.Null;
            switch (name)
            {
                case 0 when !isNull:
                    code = Code(ref reader);
                    if (code is null)
                        return null;
                    break;
                case 1:
                    exit = isNull ? null : reader.GetInt32();
                    break;
                case 2:
                    signal = isNull ? null : reader.GetInt32();
                    break;
                case 3:
                    message = reader.GetString();
                    break;
                case 4:
                    job = reader.GetString();
                    break;
                case 5:
                    user = reader.GetString();
                    break;
                case 6:
                    uid = isNull ? null : reader.GetUInt32();
                    break;
                case 7:
                    pid = isNull ? null : reader.GetInt32();
                    break;
                case 8 when !isNull:
                    standardOutput = reader.GetInt64();
                    break;
                case 9 when !isNull:
                    standardError = reader.GetInt64();
                    break;
                case 10 when !isNull:
                    seconds = reader.GetDouble();
                    break;
                case 11:
                    cpu = isNull ? null : reader.GetDouble();
                    break;
                case 12:
                    maxResidentBytes = isNull ? null : reader.GetInt64();
                    break;
                case 13 when isNull:
                    break;
                default:
                    return null;
            }
        }

        if (code is null || reader.TokenType != JsonTokenType.EndObject || reader.Read())
            return null;
        return new EndRecord
        {
            Code = code.Value,
            Exit = exit,
            Signal = signal,
            Message = message,
            Job = job,
            User = user,
            Uid = uid,
            Pid = pid,
            Stdout = standardOutput,
            Stderr = standardError,
            Seconds = seconds,
            Cpu = cpu,
            MaxResidentBytes = maxResidentBytes,
        };
    }

    /// <summary>The member that a name stands for, -1 for another one.</summary>
    private static int Index(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("code"u8) ? 0
        : reader.ValueTextEquals("exit"u8) ? 1
        : reader.ValueTextEquals("signal"u8) ? 2
        : reader.ValueTextEquals("message"u8) ? 3
        : reader.ValueTextEquals("job"u8) ? 4
        : reader.ValueTextEquals("user"u8) ? 5
        : reader.ValueTextEquals("uid"u8) ? 6
        : reader.ValueTextEquals("pid"u8) ? 7
        : reader.ValueTextEquals("stdout"u8) ? 8
        : reader.ValueTextEquals("stderr"u8) ? 9
        : reader.ValueTextEquals("seconds"u8) ? 10
        : reader.ValueTextEquals("cpu"u8) ? 11
        : reader.ValueTextEquals("maxrss"u8) ? 12
        : reader.ValueTextEquals("error"u8) ? 13
        : -1;

    private static ReplyCode? Code(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
            return null;
        foreach ((string word, ReplyCode code) in ReplyCodes.Words)
        {
            if (reader.ValueTextEquals(word))
                return code;
        }

        return null;
    }

    /// <summary>Writes members one after the other; whatever does not fit, or needs an escape, spoils the whole.</summary>
    private ref struct Writer(Span<byte> buffer)
    {
        private readonly Span<byte> buffer = buffer;
        private int length;
        private bool isSpoilt;

        public void Member(ReadOnlySpan<byte> name, string value)
        {
            Name(name);
            Text(value);
        }

        public void Member(ReadOnlySpan<byte> name, double value)
        {
            Name(name);
            if (isSpoilt || buffer.Length - length < NumberBytes
                || !value.TryFormat(buffer[length..], out int written, default, CultureInfo.InvariantCulture))
                isSpoilt = true;
            else
                length += written;
        }

        public void Member(ReadOnlySpan<byte> name, Dictionary<string, string> variables)
        {
            Name(name);
            byte separator = (byte)'{';
            foreach ((string variable, string value) in variables)
            {
                Byte(separator);
                separator = (byte)',';
                Text(variable);
                Byte((byte)':');
                Text(value);
            }

            if (separator == '{')
                Byte(separator);
            Byte((byte)'}');
        }

        public bool TryFinish(out byte[] line)
        {
            if (length == 0)
                Byte((byte)'{');
            Byte((byte)'}');
            Byte((byte)'\n');
            line = isSpoilt ? [] : buffer[..length].ToArray();
            return !isSpoilt;
        }

        private void Name(ReadOnlySpan<byte> name)
        {
            Byte(length == 0 ? (byte)'{' : (byte)',');
            Byte((byte)'"');
            foreach (byte letter in name)
                Byte(letter);
            Byte((byte)'"');
            Byte((byte)':');
        }

        private void Text(string text)
        {
            Byte((byte)'"');
            foreach (char letter in text)
            {
                // Those that the serializer's encoder writes as they are, and no others.
                if (char.IsAsciiLetterOrDigit(letter) || letter is ' ' or '!' or '#' or '$' or '%' or '(' or ')' or '*' or ',' or '-' or '.'
                    or '/' or ':' or ';' or '=' or '?' or '@' or '[' or ']' or '^' or '_' or '{' or '|' or '}' or '~')
                    Byte((byte)letter);
                else
                    isSpoilt = true;
            }

            Byte((byte)'"');
        }

        private void Byte(byte letter)
        {
            if (length < buffer.Length)
                buffer[length++] = letter;
            else
                isSpoilt = true;
        }
    }
}
