using System.Globalization;
using System.Text;
using System.Text.Json;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Reads JSON as a configuration: values by keys, with colons between the parts of a key. Keys are case-insensitive.</summary>
internal static class ConfigurationJson
{
    private const int MaxDepth = 256;
    private const int MaxExcerpt = 24;

    /// <summary>
    /// More parts than any known key has. The cost of a key grows with the square of its parts, because a name can contain colons too.
    /// </summary>
    private const int MaxParts = 32;

    private static readonly JsonDocumentOptions Options =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = MaxDepth };

    /// <summary>Reads JSON. An empty object has the value null, an empty list the empty text.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="content">The content of the file.</param>
    /// <exception cref="ConfigurationException">The content is not a JSON object, or has a duplicate key.</exception>
    public static Dictionary<string, string?> Read(string path, byte[] content)
    {
        using var reader = new StreamReader(new MemoryStream(content));
        string text = reader.ReadToEnd();
        if (string.IsNullOrWhiteSpace(text))
            throw new ConfigurationException($"{path}: the file is empty; write {{}} into it, or remove it");
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new ConfigurationException($"{path}: the file is not a JSON object; put all keys between {{ and }}");
            var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            Add(path, values, "", document.RootElement);
            return values;
        }
        catch (JsonException failure)
        {
            throw new ConfigurationException($"{path}: {Place(text, failure)}");
        }
        catch (InvalidOperationException)
        {
            // The JSON reader throws this for half a surrogate pair.
            throw new ConfigurationException($"{path}: the file contains text that is not valid Unicode; look for \\ud800 to \\udfff");
        }
    }

    private static void Add(string path, Dictionary<string, string?> values, string key, JsonElement element)
    {
        string prefix = key.Length == 0 ? "" : $"{key}:";
        int count = 0;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    count++;
                    Add(path, values, prefix + member.Name, member.Value);
                }

                if (count == 0 && key.Length > 0)
                    AddValue(path, values, key, null);
                break;
            case JsonValueKind.Array:
                foreach (JsonElement entry in element.EnumerateArray())
                    Add(path, values, prefix + count++.ToString(CultureInfo.InvariantCulture), entry);
                if (count == 0)
                    AddValue(path, values, key, "");
                break;
            case JsonValueKind.Null:
                AddValue(path, values, key, null);
                break;
            default:
                // A number stays as written; true and false become "True" and "False".
                AddValue(path, values, key, element.ToString());
                break;
        }
    }

    private static void AddValue(string path, Dictionary<string, string?> values, string key, string? value)
    {
        if (key.AsSpan().Count(':') >= MaxParts)
            throw new ConfigurationException($"{path}: {Excerpt(key)}: is nested too deeply; a key has at most {MaxParts} parts");
        if (!values.TryAdd(key, value))
            throw new ConfigurationException($"{path}: {key}: is given twice (letter case does not matter); remove one");
    }

    /// <summary>
    /// Returns the place of an error: the JSON reader counts lines and bytes from 0, an editor counts lines and characters from 1.
    /// </summary>
    private static string Place(string text, JsonException failure)
    {
        if (failure.LineNumber is not { } line || failure.BytePositionInLine is not { } position)
            return "is not valid JSON";
        string[] lines = text.Split('\n');
        byte[] bytes = line < lines.Length ? Encoding.UTF8.GetBytes(lines[line]) : [];
        string before = Encoding.UTF8.GetString(bytes.AsSpan(0, (int)Math.Min(position, bytes.Length)));
        string rest = position < bytes.Length ? Encoding.UTF8.GetString(bytes.AsSpan((int)position)).Trim() : "";
        bool isEnd = rest.Length == 0 && line >= lines.Length - 1;
        string what = isEnd
            ? "the file ends too early; close the open bracket or quote"
            : $"this is not valid JSON: {Excerpt(rest)}; look for a missing or an extra comma, quote or bracket";
        return string.Create(CultureInfo.InvariantCulture, $"line {line + 1}, column {before.EnumerateRunes().Count() + 1}: {what}");
    }

    private static string Excerpt(string rest) =>
        rest.Length == 0 ? "the end of the line" : UntrustedText.Excerpt(rest, MaxExcerpt);
}
