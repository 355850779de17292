using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>Reads and writes a time as a JSON number of seconds. It is public because generated code for a program's own serializer creates
/// one.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number)
            throw new JsonException("a number of seconds is expected");
        return Of(reader.GetDouble());
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteNumberValue(value.TotalSeconds);
    }

    /// <summary>Converts seconds to a time, rounded to 100 ns.</summary>
    /// <param name="seconds">Seconds.</param>
    /// <exception cref="JsonException">The number exceeds the range of a <see cref="TimeSpan"/> (about 29,000 years).</exception>
    public static TimeSpan Of(double seconds) => Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds
        ? TimeSpan.FromSeconds(seconds)
        : throw new JsonException("a time is out of range");
}
