using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>An independent implementation of the conditions on arguments: true, false, or null if unknown.</summary>
internal static class NaiveConditions
{
    public static bool? Holds(NaiveCondition condition, JsonObject? arguments, string home)
    {
        // The job might read a name that differs only in case.
        string[] names = [
            .. (arguments ?? []).Select(pair => pair.Key).Where(
                name => string.Equals(name, condition.Argument, StringComparison.OrdinalIgnoreCase))];
        if (names.Length != 1 || names[0] != condition.Argument)
            return null;
        JsonNode? node = arguments![condition.Argument];
        JsonValueKind kind = node?.GetValueKind() ?? JsonValueKind.Null;
        string text = kind == JsonValueKind.String ? node!.GetValue<string>() : "";
        switch (condition.Way)
        {
            case "Equals":
                return Is(node, kind, condition.Values[0]);
            case "OneOf":
                bool?[] each = [.. condition.Values.Select(value => Is(node, kind, value))];
                return each.Contains(true) ? true : each.Contains(null) ? null : false;
            case "Letters":
                return kind != JsonValueKind.String ? null : text.Length > 0 && text.All(letter => letter is >= 'a' and <= 'z');
            case "Under":
                string folder = condition.Values[0];
                if (folder[0] == '~' && home.Trim('/').Length == 0)
                    return null;
                folder = folder.Replace("~", home, StringComparison.Ordinal);
                if (kind == JsonValueKind.String && text.Length > 0 && text[0] is not ('/' or '~') && home.StartsWith('/'))
                    text = $"{home}/{text}";
                if (kind != JsonValueKind.String || !text.StartsWith('/') || text.Split('/').Contains("..") || text.Contains('\0'))
                    return null;
                return (Plain(text) + "/").StartsWith(Plain(folder) == "/" ? "/" : Plain(folder) + "/", StringComparison.Ordinal);
            case "AtMost":
                return kind != JsonValueKind.Number
                    ? null
                    : Number(node) <= decimal.Parse(condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture);
            default:
                return kind != JsonValueKind.Number
                    ? null
                    : Number(node) >= decimal.Parse(condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    private static bool? Is(JsonNode? node, JsonValueKind kind, string value) => kind switch
    {
        JsonValueKind.String => node!.GetValue<string>() == value,
        JsonValueKind.Number => decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal wanted)
            && Number(node) == wanted,
        JsonValueKind.True => string.Equals(value, "true", StringComparison.OrdinalIgnoreCase),
        JsonValueKind.False => string.Equals(value, "false", StringComparison.OrdinalIgnoreCase),
        _ => null,
    };

    private static decimal Number(JsonNode? node) => decimal.Parse(node!.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Without redundant parts of the path.</summary>
    private static string Plain(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal) || path.Contains("/./", StringComparison.Ordinal))
            path = path.Replace("//", "/", StringComparison.Ordinal).Replace("/./", "/", StringComparison.Ordinal);
        if (path.EndsWith("/.", StringComparison.Ordinal))
            path = path[..^1];
        return path.Length > 1 ? path.TrimEnd('/') : path;
    }
}
