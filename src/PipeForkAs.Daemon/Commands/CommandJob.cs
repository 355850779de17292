using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Commands;

/// <summary>A program as a job: makes its command line from checked parameters. No shell is involved.</summary>
internal sealed class CommandJob
{
    private const int MaxValueLength = 32 * 1024;
    private readonly CommandOptions options;
    private readonly CommandWord[] words;
    private readonly Dictionary<string, Pattern> patterns = new(StringComparer.Ordinal);

    /// <summary>Makes a job. To read its patterns takes a moment: not for the loop.</summary>
    /// <exception cref="ArgumentException">A pattern is not a regular expression.</exception>
    /// <exception cref="NotSupportedException">A pattern cannot be used.</exception>
    public CommandJob(string name, CommandOptions options)
    {
        Name = name;
        this.options = options;
        words = [.. options.Command.Skip(1).Select(word => CommandWord.Parse(word, options.Parameters.ContainsKey))];
        foreach ((string parameter, ParameterOptions value) in options.Parameters)
        {
            if (value.Pattern is { } pattern)
            {
                string key = $"Commands:{name}:Parameters:{parameter}:Pattern";
                patterns.Add(parameter, Pattern.Create(pattern, key, value.MaxLength ?? Pattern.DefaultMaxLength));
            }
        }

        Description = Describe();
    }

    /// <summary>Returns the commands of a configuration.</summary>
    public static IReadOnlyList<CommandJob> All(DaemonOptions options) =>
        [.. options.Commands.Select(command => new CommandJob(command.Key, command.Value))];

    public string Name { get; }

    /// <summary>The absolute path of the program.</summary>
    public string Program => options.Command[0];

    public JobRestrictionOptions Restrictions => options;

    /// <summary>The output of <c>describe</c>: the parameters as a JSON schema.</summary>
    public JobDescription Description { get; }

    private JobDescription Describe() => new()
    {
        Name = Name,
        Kind = JobKind.Command,
        Description = options.Description,
        Arguments = options.Parameters.Count == 0 ? null : Schema(),
        Environment = [.. options.Env],
        UnsafeEnvironment = options.UnsafeEnv.Count > 0 ? [.. options.UnsafeEnv] : null,
        Timeout = options.Timeout,
    };

    /// <summary>Returns the program and its arguments.</summary>
    /// <param name="arguments">The request's arguments as a JSON object; null for none.</param>
    /// <param name="caller">The bucket of the caller; a long match waits for its turn.</param>
    /// <param name="matcher">Matches patterns.</param>
    /// <exception cref="RefusedException">A parameter is unknown, missing or invalid.</exception>
    public async ValueTask<string[]> CommandLineAsync(byte[]? arguments, Bucket caller, PatternMatcher matcher)
    {
        Dictionary<string, string> values = Values(arguments);
        string[] line = Line(values);
        if (patterns.Count == 0)
            return line;
        (string Name, PatternQuestion Question)[] questions =
            [.. patterns.Where(pattern => values.ContainsKey(pattern.Key)).Select(pattern =>
                (pattern.Key, new PatternQuestion(pattern.Value, values[pattern.Key])))];
        await matcher.AnswerAsync(caller, [.. questions.Select(asked => asked.Question)]);
        foreach ((string name, PatternQuestion question) in questions)
        {
            if (question.Matches is null)
                throw Bad("takes too long to match against its pattern; use shorter values", name);
            if (question.Matches == false)
                throw Bad($"does not match the pattern {question.Pattern.Text}", name);
        }

        return line;
    }

    private Dictionary<string, string> Values(byte[]? arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (arguments is null)
            return values;
        using JsonDocument document = JsonDocument.Parse(arguments);
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (!values.TryAdd(property.Name, Value(property)))
                throw Bad("is given twice", property.Name);
        }

        return values;
    }

    private string[] Line(Dictionary<string, string> values)
    {
        var line = new List<string>(options.Command.Count) { Program };
        bool optionsEnded = false;
        foreach (CommandWord word in words)
        {
            optionsEnded |= word.Text == "--";
            bool mayBeOption = word.Parameter is not null && !optionsEnded;
            line.Add(word.Fill(parameter => Replace(parameter, values, mayBeOption)));
        }

        return [.. line];
    }

    private string Value(JsonProperty property)
    {
        if (!options.Parameters.TryGetValue(property.Name, out ParameterOptions? parameter))
        {
            string known = options.Parameters.Count == 0 ? "takes no arguments" : $"takes {string.Join(", ", options.Parameters.Keys)}";
            throw Bad($"there is no argument of that name; {Name} {known}", JobName.IsValid(property.Name) ? property.Name : "args");
        }

        JsonElement value = property.Value;
        return (parameter.Type, value.ValueKind) switch
        {
            ("string", JsonValueKind.String) => value.GetString()!,
            ("integer", JsonValueKind.Number) when value.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
            ("number", JsonValueKind.Number) => value.GetRawText(),
            ("boolean", JsonValueKind.True) => "true",
            ("boolean", JsonValueKind.False) => "false",
            _ => throw Bad($"must be of type {parameter.Type}", property.Name),
        };
    }

    private string Replace(string name, Dictionary<string, string> values, bool mayBeOption)
    {
        ParameterOptions parameter = options.Parameters[name];
        if (!values.TryGetValue(name, out string? value))
            return Default(parameter) ?? throw Bad($"is missing; {Name} needs it", name);
        if (value.Contains('\0', StringComparison.Ordinal) || value.Length > MaxValueLength)
            throw Bad($"must have at most {MaxValueLength} characters and no NUL", name);
        if (parameter.MaxLength is not null || parameter.Pattern is not null)
        {
            int most = parameter.MaxLength ?? Pattern.DefaultMaxLength;
            if (Encoding.UTF8.GetByteCount(value) > most)
                throw Bad($"must have at most {most} bytes", name);
        }

        if (value.StartsWith('-') && mayBeOption && !parameter.AllowLeadingDash)
            throw Bad("must not begin with '-': the program would read it as an option", name);
        return value;
    }

    /// <summary>Returns the default: true and false of JSON reach a configuration as "True" and "False".</summary>
    private static string? Default(ParameterOptions parameter) =>
        parameter is { Type: "boolean", Default: { } text } ? (bool.Parse(text) ? "true" : "false") : parameter.Default;

    private JsonElement Schema()
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach ((string name, ParameterOptions parameter) in options.Parameters)
        {
            var property = new JsonObject { ["type"] = parameter.Type };
            if (parameter.Description.Length > 0)
                property["description"] = parameter.Description;
            if (parameter.Pattern is not null)
                property["pattern"] = parameter.Pattern;
            if (Default(parameter) is { } text)
                property["default"] = parameter.Type == "string" ? text : JsonNode.Parse(text);
            else
                required.Add((JsonNode)name);
            properties[name] = property;
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
            schema["required"] = required;
        using JsonDocument document = JsonDocument.Parse(schema.ToJsonString());
        return document.RootElement.Clone();
    }

    private static RefusedException Bad(string problem, string argument) => new(ReplyCode.BadArguments, $"\"{argument}\": {problem}");
}
