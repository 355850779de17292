using System.Text.Json.Nodes;

namespace PipeForkAs.Bench.Contenders;

/// <summary>A pipeforkasd with its own configuration.</summary>
internal static class Daemon
{
    /// <summary>The command job that writes as many bytes as the child of the floor.</summary>
    public const string WriteJob = "bench-write";

    /// <summary>The command job that runs for a second.</summary>
    public const string SleepJob = "bench-sleep";

    /// <summary>The settings of pipeforkas.service.</summary>
    private static readonly (string Name, string Value)[] AsTheUnit = [("DOTNET_GCGen0MaxBudget", "200000")];

    /// <summary>Writes the configuration and returns the socket and the command.</summary>
    /// <param name="place">Where.</param>
    /// <param name="workers">How many workers wait; null for the default.</param>
    /// <param name="program">The job host.</param>
    /// <param name="limits">Values of Limits beside those that every daemon here has.</param>
    public static async Task<(string Socket, string[] Command)> PrepareAsync(
        Place place, int? workers = null, string program = "pipeforkas-jobs", params (string Name, JsonNode Value)[] limits)
    {
        string socket = place.Fresh("pipeforkas");
        var host = new JsonObject { ["Path"] = place.Native(program) };
        if (workers is { } number)
            host["Workers"] = number;
        var configuration = new JsonObject
        {
            ["Socket"] = new JsonObject { ["Path"] = socket },
            ["JobHosts"] = new JsonArray(host),
            ["Commands"] = new JsonObject
            {
                [WriteJob] = new JsonObject
                {
                    ["Command"] = new JsonArray(place.Floor, "--write", "{bytes}"),
                    ["Parameters"] = new JsonObject { ["bytes"] = new JsonObject { ["Type"] = "integer" } },
                },
                [SleepJob] = new JsonObject { ["Command"] = new JsonArray("/bin/sleep", "1") },
            },
            ["Limits"] = new JsonObject { ["MaxJobsPerUid"] = 256, ["DrainTimeout"] = "00:00:05", ["KillGrace"] = "00:00:01" },
        };
        foreach ((string name, JsonNode value) in limits)
            configuration["Limits"]![name] = value;
        string file = $"{socket}.json";
        await File.WriteAllTextAsync(file, configuration.ToJsonString(), place.Cancellation);
        return (socket, [place.Native("pipeforkasd"), "--config", file]);
    }

    public static async Task<Server> StartAsync(
        Place place, int? workers = null, string program = "pipeforkas-jobs", params (string Name, JsonNode Value)[] limits)
    {
        (string socket, string[] command) = await PrepareAsync(place, workers, program, limits);
        return await Server.StartAsync(place, socket, command, AsTheUnit);
    }

    /// <summary>The request for a job as the benchmark's user.</summary>
    public static string Request(Place place, string job, string? arguments = null, bool frames = false) =>
        $$"""{"job":"{{job}}","user":"{{place.User.Name}}"{{(arguments is null ? "" : $",\"args\":{arguments}")}}"""
        + (frames ? ",\"reply\":\"frames\"}" : "}");
}
