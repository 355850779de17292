using System.Text.Json.Serialization;

namespace PipeForkAs.StockJobs;

/// <summary>The JSON of all arguments and results of the stock jobs. The compiler generates it: native code has no reflection for it.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EchoArguments))]
[JsonSerializable(typeof(ListDirectoryArguments))]
[JsonSerializable(typeof(DirectoryListing))]
[JsonSerializable(typeof(ReadFileArguments))]
[JsonSerializable(typeof(WriteFileArguments))]
[JsonSerializable(typeof(DiskUsageArguments))]
[JsonSerializable(typeof(DiskUsageResult))]
[JsonSerializable(typeof(MakeDirectoryArguments))]
[JsonSerializable(typeof(RenameArguments))]
[JsonSerializable(typeof(PathResult))]
[JsonSerializable(typeof(RemoveArguments))]
[JsonSerializable(typeof(RemoveResult))]
[JsonSerializable(typeof(StatArguments))]
[JsonSerializable(typeof(StatResult))]
[JsonSerializable(typeof(ArchiveDirectoryArguments))]
internal sealed partial class StockJson : JsonSerializerContext;
