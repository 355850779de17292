using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    MaxDepth = ClientProtocol.MaxDepth,
    RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Request))]
internal sealed partial class RequestJson : JsonSerializerContext;
