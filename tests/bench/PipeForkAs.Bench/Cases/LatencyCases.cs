using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Cases;

/// <summary>How long a request takes, from the connect to the end of file of the reply.</summary>
internal static class LatencyCases
{
    private const int PauseMicroseconds = 500;
    private const int BurstClients = 64;
    private const int BurstPauseMicroseconds = 50_000;

    /// <summary>One client that repeats requests.</summary>
    public static Task<Comparison> OneClientAsync(Place place, Field field) =>
        Comparison.RunAsync(place, "One client", place.Settings.Rounds, [.. field.Contenders.Select(contender => Enter(place, contender))]);

    /// <summary>One client that gives a server time for work in advance.</summary>
    public static Task<Comparison> WithPausesAsync(Place place, Field field) => Comparison.RunAsync(
        place, "One client, 0.5 ms of pause before each request", place.Settings.Rounds,
        [.. Near(field).Select(contender => Enter(place, contender, "-p", Text(PauseMicroseconds)))]);

    /// <summary>Several clients at once. In a quick run only servers.</summary>
    public static Task<Comparison> ClientsAsync(Place place, Field field, int clients) => Comparison.RunAsync(
        place, $"{clients} clients", place.Settings.Rounds,
        [.. field.Contenders.Where(contender => !place.Settings.Quick || !contender.IsCommand).Select(
            contender => Enter(place, contender, "-c", Text(clients)))]);

    /// <summary>Many more requests at once than waiting workers, then a pause after all replies.</summary>
    public static Task<Comparison> BurstsAsync(Place place, Field field) => Comparison.RunAsync(
        place, $"Bursts of {BurstClients}, with 50 ms between them", place.Settings.Rounds,
        [.. Near(field).Select(contender => Enter(place, contender, "-c", Text(BurstClients), "-g", Text(BurstPauseMicroseconds)))]);

    /// <summary>One client beside connections that are idle; a daemon that is allowed so many.</summary>
    public static async Task<Comparison> BesideIdleAsync(Place place)
    {
        int idle = place.Settings.IdleConnections;
        await using Server daemon = await Daemon.StartAsync(
            place, limits:
            [
                ("MaxConnections", JsonValue.Create(idle + 100)), ("MaxConnectionsPerUid", JsonValue.Create(idle + 100)),
                    ("RequestTimeout", JsonValue.Create("00:10:00")),
            ]);
        var contender = new Contender("nothing beside", ["-r", Daemon.Request(place, "id")], [daemon.Socket]);
        return await Comparison.RunAsync(
            place, $"pipeforkas, one client beside {idle:N0} idle connections", place.Settings.Rounds,
            [Enter(place, contender), Enter(place, contender with { Name = $"{idle:N0} idle" }, "-i", Text(idle))]);
    }

    /// <summary>The floor and the participants that should be near it.</summary>
    private static IEnumerable<Contender> Near(Field field) =>
        [field[Field.FloorName], field[Field.DefaultName], field[Field.OnDemandName]];

    private static Entrant Enter(Place place, Contender contender, params string[] options) => new(
        contender.Name,
        [
            "-n", Text(place.Settings.Requests), "-t", place.Settings.RoundSeconds.ToString(CultureInfo.InvariantCulture), "-w",
                contender.IsCommand ? "1" : "5",
            "-e", $"uid={place.User.Uid}", .. options, .. contender.Request, .. contender.Target,
        ]);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
