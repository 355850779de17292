using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Digests;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// A digest of a request's arguments, for records that must not reveal them: a reader can see whether two requests of a caller for a job
/// had the same arguments, and no more. A plain hash would reveal every short secret to a reader who tries all values; a key that all
/// callers share would reveal it to a reader of the records who also requests the job. So the key lives as long as the daemon, in its
/// memory alone, and the digest includes job and caller.
/// </summary>
internal sealed class ArgumentDigest
{
    private readonly byte[] key = Libc.getrandom(Sha256.HashBytes);

    /// <summary>Returns the HMAC-SHA-256 of job, caller and canonical arguments, in 64 hexadecimal digits.</summary>
    /// <param name="job">The name of the job, which contains no NUL.</param>
    /// <param name="caller">The uid of the caller.</param>
    /// <param name="arguments">A JSON object.</param>
    public string Of(string job, UserId caller, byte[] arguments)
    {
        byte[] text = [
            .. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{job}\0{caller.Value}\0")), .. Canonical(arguments)];
        return Convert.ToHexStringLower(Sha256.Hmac(key, text));
    }

    /// <summary>Returns the same object with sorted members at every depth, and without white space. Numbers stay as written.</summary>
    public static byte[] Canonical(byte[] arguments) => Write(arguments, _ => true);

    /// <summary>Returns only the arguments with these names, canonical, as JSON; null if there are none.</summary>
    /// <param name="arguments">A JSON object.</param>
    /// <param name="names">Names, or <see cref="JobRestrictionOptions.AllArguments"/>.</param>
    public static string? Audited(byte[] arguments, IReadOnlyCollection<string> names) =>
        names.Count == 0
        ? null
        : Encoding.UTF8.GetString(Write(arguments, name => names.Contains(JobRestrictionOptions.AllArguments) || names.Contains(name)));

    private static byte[] Write(byte[] arguments, Func<string, bool> isAudited)
    {
        using JsonDocument document = JsonDocument.Parse(arguments);
        var text = new ArrayBufferWriter<byte>(arguments.Length);
        using (var writer = new Utf8JsonWriter(text))
            WriteObject(writer, document.RootElement, isAudited);
        return text.WrittenSpan.ToArray();
    }

    private static void WriteObject(Utf8JsonWriter writer, JsonElement element, Func<string, bool> isAudited)
    {
        // Each access to the name of a member allocates a string.
        IEnumerable<(string Name, JsonElement Value)> all = element.EnumerateObject().Select(member => (member.Name, member.Value));
        (string Name, JsonElement Value)[] members = [.. all.Where(member => isAudited(member.Name))];
        Array.Sort(members, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        writer.WriteStartObject();
        foreach ((string name, JsonElement value) in members)
        {
            writer.WritePropertyName(name);
            WriteValue(writer, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(writer, value, _ => true);
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    WriteValue(writer, item);
                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
