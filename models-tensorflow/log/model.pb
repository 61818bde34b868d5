
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

LogLogx*
T0

yIdentityLog*
T0
 
IdentityIdentityy*
T0"ª