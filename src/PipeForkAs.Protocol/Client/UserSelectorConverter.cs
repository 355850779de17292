using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>Reads <c>user</c>: a name as a string, a uid as a string of digits or as a number. A string of digits is always a uid, never a
/// name, so that a request has only one meaning.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class UserSelectorConverter : JsonConverter<string>
{
    internal const string Rule =
        "a user name of 1 to 256 characters without '/', ':', white space and control characters, or a uid from 0 to 4294967294";

    /// <summary>Whether a user is given as a uid.</summary>
    internal static bool IsUid(string user) => user.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0;

    internal static bool IsValid(string user)
    {
        if (user.Length is 0 or > 256 || user[0] == '-')
            return false;
        if (IsUid(user))
            return uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) && uid != uint.MaxValue;

        if (!RequestText.IsUnicode(user))
            return false;
        foreach (char c in user)
        {
            if (c is '/' or ':' || char.IsControl(c) || char.IsWhiteSpace(c))
                return false;
        }

        return true;
    }

    /// <inheritdoc/>
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString()!,
        JsonTokenType.Number when reader.TryGetUInt32(out uint uid) => uid.ToString(CultureInfo.InvariantCulture),
        _ => throw new JsonException($"\"user\" must be {Rule}"),
    };

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value);
    }
}
