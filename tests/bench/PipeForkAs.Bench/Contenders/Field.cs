namespace PipeForkAs.Bench.Contenders;

/// <summary>All contenders, each on its own socket; each replies with "uid=" of the user.</summary>
internal sealed class Field : IAsyncDisposable
{
    public const string FloorName = "floor (bare C)";
    public const string DefaultName = "pipeforkas";
    public const string OnDemandName = "pipeforkas, 0 workers";
    public const string PythonName = "Python ForkingMixIn";
    public const string SocatName = "socat EXEC,su";
    public const string SudoName = "sudo -u";
    private static readonly TimeSpan TrialTimeout = TimeSpan.FromSeconds(10);

    private readonly List<Server> servers = [];
    private readonly Place place;

    private Field(Place place) => this.place = place;

    public List<Contender> Contenders { get; } = [];

    public List<Missing> Missing { get; } = [];

    public Contender this[string name] => Contenders.Single(contender => contender.Name == name);

    public static async Task<Field> StartAsync(Place place)
    {
        var field = new Field(place);
        try
        {
            await field.AddProductAsync();
            await field.AddServersAsync();
            await field.AddCommandsAsync();
            return field;
        }
        catch
        {
            await field.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Server server in servers)
            await server.DisposeAsync();
    }

    private async Task AddProductAsync()
    {
        string floor = place.Fresh("floor");
        Add(FloorName, await Server.StartAsync(place, floor, [place.Floor, floor, place.User.Name]), ["-r", "id"]);
        string[] request = ["-r", Daemon.Request(place, "id")];
        Server pool = await Daemon.StartAsync(place);
        Add(DefaultName, pool, request);
        Add(OnDemandName, await Daemon.StartAsync(place, workers: 0), request);
        Contenders.Add(
            new Contender(
                "pipeforkas run (command)", [],
                ["--", place.Native("pipeforkas"), "--socket", pool.Socket, "run", "id", "--user", place.User.Name]));
    }

    private async Task AddServersAsync()
    {
        string user = place.User.Name;
        string socket = place.Fresh("python");
        await TryAsync(
            PythonName, ["python3"], socket, found => [found[0], Path.Combine(place.Settings.Sources, "forking_server.py"), socket, user],
            ["-r", "id"]);
        string other = place.Fresh("socat");
        await TryAsync(
            SocatName, ["socat"], other, found => [found[0], "-t", "30", $"UNIX-LISTEN:{other},fork,backlog=4096", $"EXEC:id,su={user}"],
            []);
        string s6 = place.Fresh("s6");
        await TryAsync(
            "s6-ipcserver, s6-setuidgid", ["s6-ipcserver", "s6-setuidgid"], s6,
            found => [found[0], "-c", "1000", "-b", "4096", s6, found[1], user, "id"], []);
    }

    private async Task AddCommandsAsync()
    {
        string user = place.User.Name;
        await TryCommandAsync(SudoName, "sudo", "-n", "-u", user, "id");
        await TryCommandAsync("runuser -u", "runuser", "-u", user, "--", "id");
        await TryCommandAsync("setpriv --reuid", "setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups", "id");
        await TryCommandAsync("userv", "userv", "--override", "execute id", user, "id");
        if (Directory.Exists("/run/systemd/system"))
            await TryCommandAsync(
                "systemd-run --uid --pipe", "systemd-run", $"--uid={user}", "--pipe", "--wait", "--quiet", "--collect", "id");
        else
            Missing.Add(new Missing("systemd-run --uid --pipe", "systemd is not PID 1 here"));
    }

    private async Task TryAsync(string name, string[] programs, string socket, Func<string[], string[]> command, string[] request)
    {
        if (Find(name, programs) is { } found)
            Add(name, await Server.StartAsync(place, socket, command(found)), request);
    }

    private async Task TryCommandAsync(string name, string program, params string[] arguments)
    {
        if (Find(name, [program]) is not { } found)
            return;
        string[] command = [found[0], .. arguments];

        // Installation is not enough: userv has a daemon, sudo has rules.
        using var patience = new CancellationTokenSource(TrialTimeout);
        try
        {
            ToolResult tried = await Tool.RunAsync(command, patience.Token);
            if (tried.ExitCode == 0)
                Contenders.Add(new Contender(name, [], ["--", .. command]));
            else
                Missing.Add(new Missing(name, $"exit {tried.ExitCode}: {tried.Error.Trim().ReplaceLineEndings(" ")}"));
        }
        catch (OperationCanceledException)
        {
            Missing.Add(new Missing(name, $"did not end within {TrialTimeout.TotalSeconds:0} s"));
        }
    }

    private string[]? Find(string name, string[] programs)
    {
        string?[] found = [.. programs.Select(Tool.Find)];
        if (!found.Contains(null))
            return found!;
        Missing.Add(new Missing(name, $"{string.Join(" and ", programs.Where((_, i) => found[i] is null))} not installed"));
        return null;
    }

    private void Add(string name, Server server, string[] request)
    {
        servers.Add(server);
        Contenders.Add(new Contender(name, request, [server.Socket]));
    }
}
