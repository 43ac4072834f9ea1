# Figure of SAGES; draw it again with: gnuplot THIS_FILE
$series0_0 << END
3.0 2926.0
4.0 2149.0
5.0 1630.0
6.0 2060.0
7.0 1496.0
8.0 2049.0
END
$series0_1 << END
3.0 2926.0
4.0 2736.0
5.0 2641.0
6.0 2536.0
7.0 2423.0
8.0 2545.0
END
set terminal pngcairo noenhanced size 1560,896 font 'DejaVu Sans,10' fontscale 2 linewidth 2 background '#ffffff'
set output "pictures/population.png"
set encoding utf8
set datafile missing 'NaN'
set border 3 linecolor rgb '#606060' linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb '#303030'
set grid back linetype 1 linecolor rgb '#E0E0E0' linewidth 0.7
set autoscale xfix
set key noenhanced at graph 1,1.02 bottom right horizontal Right samplen 2 spacing 1.1 textcolor rgb '#303030'
set palette defined (0 '#440154', 1 '#472D7B', 2 '#3B528B', 3 '#2C728E', 4 '#21918C', 5 '#28AE80', 6 '#5EC962', 7 '#ADDC30', 8 '#FDE725')
set multiplot
set label 1 "The sum of the state over all cells is 2926 at first and 2049 at last" at screen 0.010256410256410256, screen 0.9553571428571429 left font 'DejaVu Sans:Bold,12' textcolor rgb '#101010'
set lmargin at screen 0.13333333333333333; set rmargin at screen 0.9692307692307692
set tmargin at screen 0.8169642857142858; set bmargin at screen 0.11607142857142858
set label 2 "" at graph 0, graph 1 left offset 0,0.8 textcolor rgb '#303030'
set xlabel "step"; set ylabel "sum of the state" offset -0.8
unset logscale; set format y '%g'
set xrange [*:*]; set yrange [*:*]
plot $series0_1 using 1:2 with lines linewidth 3.6 linecolor rgb '#B8B8B8' title "fine", \
     $series0_0 using 1:2 with lines linewidth 1.4 linecolor rgb '#0072B2' title "scales-1"
unset label 1
unset multiplot
set output
