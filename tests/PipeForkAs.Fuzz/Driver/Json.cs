using System.Text.Json;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Compares JSON.</summary>
internal static class Json
{
    /// <summary>
    /// Whether two objects say the same, whatever the order of their members, which no two of one name share. Numbers are compared as they
    /// are written: <see cref="JsonElement.DeepEquals"/> throws where an exponent is beyond 32 bits.
    /// </summary>
    public static bool Same(byte[] first, byte[] second) => Same(JsonElement.Parse(first), JsonElement.Parse(second));

    /// <summary>The same of elements.</summary>
    public static bool Same(JsonElement first, JsonElement second) => first.ValueKind == second.ValueKind && first.ValueKind switch
    {
        JsonValueKind.Object => first.GetPropertyCount() == second.GetPropertyCount()
            && first.EnumerateObject().All(one => second.TryGetProperty(one.Name, out JsonElement other) && Same(one.Value, other)),
        JsonValueKind.Array => first.GetArrayLength() == second.GetArrayLength()
            && first.EnumerateArray().Zip(second.EnumerateArray()).All(pair => Same(pair.First, pair.Second)),
        JsonValueKind.String => first.GetString() == second.GetString(),
        JsonValueKind.Number => first.GetRawText() == second.GetRawText(),
        _ => true,
    };
}
