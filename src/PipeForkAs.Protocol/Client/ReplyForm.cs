using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>The form of a reply.</summary>
[JsonConverter(typeof(ReplyFormConverter))]
public enum ReplyForm
{
    /// <summary>stdout and stderr in one stream, for people and shell scripts.</summary>
    Text,

    /// <summary>Frames with stdout, stderr and an <see cref="EndRecord"/>, for programs.</summary>
    Frames,
}
