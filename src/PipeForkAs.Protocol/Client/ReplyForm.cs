using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>The form of a reply.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReplyForm>))]
public enum ReplyForm
{
    /// <summary>stdout and stderr in one stream, for people and shell scripts.</summary>
    [JsonStringEnumMemberName("text")] Text,

    /// <summary>Frames with stdout, stderr and an <see cref="EndRecord"/>, for programs.</summary>
    [JsonStringEnumMemberName("frames")] Frames,
}
