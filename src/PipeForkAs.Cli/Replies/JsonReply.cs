using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

using PipeForkAs.Cli.Exchanges;
using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Replies;

/// <summary>Formats a reply as one JSON object on one line: <c>stdout</c>, <c>stderr</c>, <c>end</c>. An output that is not UTF-8 is
/// base64; only then, <c>stdoutEncoding</c> or <c>stderrEncoding</c> is present and says so.
/// </summary>
internal static class JsonReply
{
    /// <summary>The most bytes of an output, which is in memory and in the JSON as a whole: 64 MiB.</summary>
    private const int MaxOutputBytes = 64 * 1024 * 1024;

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs a job and writes the reply.</summary>
    /// <param name="exchange">Runs the job with the given outputs.</param>
    /// <param name="output">Receives the JSON.</param>
    public static JobResult Run(Func<Outputs, JobResult> exchange, Output output)
    {
        MemoryOutput standardOutput = new(JobStream.Output, MaxOutputBytes);
        MemoryOutput standardError = new(JobStream.Error, MaxOutputBytes);
        JobResult end = exchange(Outputs.Separate(standardOutput, standardError));
        output.WriteAll(ToJson(new JobOutput(standardOutput.Written, standardError.Written, end)).Span);
        return end;
    }

    private static ReadOnlyMemory<byte> ToJson(JobOutput reply)
    {
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json, Readable))
        {
            writer.WriteStartObject();
            Write(writer, "stdout", "stdoutEncoding", reply.Stdout.Span);
            Write(writer, "stderr", "stderrEncoding", reply.Stderr.Span);
            writer.WritePropertyName("end");
            writer.WriteRawValue(reply.Result.ToWire().ToJson());
            writer.WriteEndObject();
        }

        json.Write("\n"u8);
        return json.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter writer, string name, string encodingName, ReadOnlySpan<byte> output)
    {
        if (Utf8.IsValid(output))
        {
            writer.WriteString(name, output);
        }
        else
        {
            writer.WriteBase64String(name, output);
            writer.WriteString(encodingName, "base64");
        }
    }
}
