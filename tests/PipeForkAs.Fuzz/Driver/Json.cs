using System.Text.Json;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Compares JSON.</summary>
internal static class Json
{
    /// <summary>
    /// Whether two objects without duplicate members are equal in any order of members. Compares the text of numbers: <see
    /// cref="JsonElement.DeepEquals"/> throws if an exponent exceeds 32 bits.
    /// </summary>
    public static bool Same(byte[] first, byte[] second) => Same(JsonElement.Parse(first), JsonElement.Parse(second));

    /// <summary>The same for elements.</summary>
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
