using System.Text.Json.Serialization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>The JSON of the replies to <c>list</c> and <c>describe</c>.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(JobDescription))]
[JsonSerializable(typeof(IReadOnlyList<JobDescription>))]
public sealed partial class JobDescriptionJson : JsonSerializerContext;

/// <summary>The JSON of the reply to <c>check</c>.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckResult))]
public sealed partial class CheckResultJson : JsonSerializerContext;

/// <summary>The JSON of the reply to <c>status</c>.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(DaemonStatus))]
public sealed partial class DaemonStatusJson : JsonSerializerContext;

/// <summary>The JSON of the reply to <c>sign-in</c>.</summary>
[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SignInTicket))]
public sealed partial class SignInTicketJson : JsonSerializerContext;
