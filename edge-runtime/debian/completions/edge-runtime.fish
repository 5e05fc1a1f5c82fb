# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_edge_runtime_global_optspecs
    string join \n config= model= face-model= no-face-search source= faces= precision= threads= fps= dwell= smoothing= hold= leave-margin= lights= every-frame loop frames= wait json no-picture h/help V/version
end

function __fish_edge_runtime_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_edge_runtime_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_edge_runtime_using_subcommand
    set -l cmd (__fish_edge_runtime_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l source -d 'Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card stands in where there is no camera, but not for a service. A relative path in a file counts from the file\'s folder' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l fps -d 'Frames a second [0.1 to 1000]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l dwell -d 'Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each picture [0.01 to 86400]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l smoothing -d 'Time constant of the smoothing, in seconds. 0 smooths nothing [0 to 60]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l hold -d 'Hold time: the least time between two changes of the lights (of each person\'s light, with `all`), in seconds. While a face is in view, a mood stays for twice as long [0 to 1.5]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l leave-margin -d 'Hysteresis: how far below its enter threshold a mood is left [0 to 1]' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l frames -d 'Stop after N frames' -r
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l every-frame -d 'Take every frame, in order, as fast as it goes; time is the frame number over --fps'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l loop -d 'Begin again after the last picture'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l wait -d 'Keep trying a camera that is not there, as a service does, in place of ending with exit code 5'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l json -d 'Write a JSON object for each frame, one a line'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -l no-picture -d 'Draw no picture beside the lights'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -s V -l version -d 'Print version'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "run" -d 'Let lights follow the mood of a face (the default command)'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "classify" -d 'Report the mood of the faces in photos'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "snapshot" -d 'Take one frame of the source, and report the mood of the faces in it'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "bench" -d 'Measure the speed of every stage, start-up, and memory'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "dark" -d 'Put out every configured light, for instance after a run that was killed'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "config" -d 'Print the configuration as it holds now, with comments'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "doctor" -d 'Check board, camera, lights, model and configuration, and say what to do where something is wrong'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "completions" -d 'Print completions of this command line for a shell'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "man" -d 'Print the manual page, to be read with `man -l`'
complete -c edge-runtime -n "__fish_edge_runtime_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l source -d 'Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card stands in where there is no camera, but not for a service. A relative path in a file counts from the file\'s folder' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l fps -d 'Frames a second [0.1 to 1000]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l dwell -d 'Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each picture [0.01 to 86400]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l smoothing -d 'Time constant of the smoothing, in seconds. 0 smooths nothing [0 to 60]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l hold -d 'Hold time: the least time between two changes of the lights (of each person\'s light, with `all`), in seconds. While a face is in view, a mood stays for twice as long [0 to 1.5]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l leave-margin -d 'Hysteresis: how far below its enter threshold a mood is left [0 to 1]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l frames -d 'Stop after N frames' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l every-frame -d 'Take every frame, in order, as fast as it goes; time is the frame number over --fps'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l loop -d 'Begin again after the last picture'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l wait -d 'Keep trying a camera that is not there, as a service does, in place of ending with exit code 5'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l json -d 'Write a JSON object for each frame, one a line'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l no-picture -d 'Draw no picture beside the lights'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l annotate -d 'Draw boxes, moods and probabilities into a copy of the picture: a file ending in .png or .jpg, or a folder; takes the place of a file that is there' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l json -d 'Write a JSON object for each picture, one a line'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand classify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l source -d 'Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card stands in where there is no camera, but not for a service. A relative path in a file counts from the file\'s folder' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l fps -d 'Frames a second [0.1 to 1000]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l dwell -d 'Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each picture [0.01 to 86400]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l smoothing -d 'Time constant of the smoothing, in seconds. 0 smooths nothing [0 to 60]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l hold -d 'Hold time: the least time between two changes of the lights (of each person\'s light, with `all`), in seconds. While a face is in view, a mood stays for twice as long [0 to 1.5]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l leave-margin -d 'Hysteresis: how far below its enter threshold a mood is left [0 to 1]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l annotate -d 'Write the frame with boxes, moods and probabilities to a file ending in .png or .jpg; takes the place of a file that is there' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l json -d 'Write one JSON object'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l source -d 'Measure with the frames of this source as they come, and the latency from camera to light' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l format -d 'Pixel format of the 640x480 frames: yuyv, uyvy, nv12, i420, grey or rgb' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l frames -d 'Frames to measure' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l layers -d 'Show layer by layer where the time of an inference goes'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l json -d 'Write one JSON object'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l markdown -d 'Write tables in Markdown, as in docs/performance.md'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand dark" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l source -d 'Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card stands in where there is no camera, but not for a service. A relative path in a file counts from the file\'s folder' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l fps -d 'Frames a second [0.1 to 1000]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l dwell -d 'Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each picture [0.01 to 86400]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l smoothing -d 'Time constant of the smoothing, in seconds. 0 smooths nothing [0 to 60]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l hold -d 'Hold time: the least time between two changes of the lights (of each person\'s light, with `all`), in seconds. While a face is in view, a mood stays for twice as long [0 to 1.5]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l leave-margin -d 'Hysteresis: how far below its enter threshold a mood is left [0 to 1]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l source -d 'Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card stands in where there is no camera, but not for a service. A relative path in a file counts from the file\'s folder' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l faces -d 'Whose mood counts, of up to six tracked faces' -r -f -a "largest\t'The largest face near the middle, until another is clearly larger'
average\t'The mean of all faces'
all\t'Every face: each mood that somebody shows is lit'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l precision -d 'The precision that the models run in' -r -f -a "auto\t'The faster one here, found when a model first runs'
f32\t'32-bit floating point'
int8\t'8-bit integers, for a quantised model'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l threads -d 'Threads that the models run on. More help where a picture takes milliseconds: see `bench` [1 to 16]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l fps -d 'Frames a second [0.1 to 1000]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l dwell -d 'Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each picture [0.01 to 86400]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l smoothing -d 'Time constant of the smoothing, in seconds. 0 smooths nothing [0 to 60]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l hold -d 'Hold time: the least time between two changes of the lights (of each person\'s light, with `all`), in seconds. While a face is in view, a mood stays for twice as long [0 to 1.5]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l leave-margin -d 'Hysteresis: how far below its enter threshold a mood is left [0 to 1]' -r
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l lights -d 'How the lights are driven' -r -f -a "auto\t'On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal'
gpiochip\t'GPIO lines through the kernel\'s character device'
rppal\t'GPIO lines through the pin controller\'s registers'
terminal\t'Drawn in the terminal'
none\t'Not at all'"
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l json -d 'Write one JSON object'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand completions" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand completions" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand completions" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand completions" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand completions" -s h -l help -d 'Print help'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand man" -l config -d 'Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand man" -l model -d 'The emotion model, as `host-trainer export` writes it. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand man" -l face-model -d 'The face model, which finds the faces. Without it the one inside the program' -r -F
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand man" -l no-face-search -d 'Take the centred square of every frame for a face, and a picture given to `classify` as a whole'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand man" -s h -l help -d 'Print help'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "run" -d 'Let lights follow the mood of a face (the default command)'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "classify" -d 'Report the mood of the faces in photos'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "snapshot" -d 'Take one frame of the source, and report the mood of the faces in it'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "bench" -d 'Measure the speed of every stage, start-up, and memory'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "dark" -d 'Put out every configured light, for instance after a run that was killed'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "config" -d 'Print the configuration as it holds now, with comments'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "doctor" -d 'Check board, camera, lights, model and configuration, and say what to do where something is wrong'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "completions" -d 'Print completions of this command line for a shell'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "man" -d 'Print the manual page, to be read with `man -l`'
complete -c edge-runtime -n "__fish_edge_runtime_using_subcommand help; and not __fish_seen_subcommand_from run classify snapshot bench dark config doctor completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
